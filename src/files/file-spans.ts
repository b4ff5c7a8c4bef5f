/** Cuts the end of a file into spans, each with what it means, for the inspector. */
import type { Span, Says } from '../words/inspector.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { messageOf } from '../words/message-data.ts';
import { Block, CR, LF, behindBlankLines, textOf } from './blocks.ts';
import { readRange } from './disk.ts';
import { fencedAfter } from './frame-forms.ts';
import { MailReader } from './mail-reader.ts';
import { MAX_EVENT_BYTES, behindEnd, type ReadEvent, type ReadState } from './read-state.ts';

/** How much of a file's end is shown, in bytes. */
const WINDOW_BYTES = 16 * 1024;
/** The ids of foreign text depend on all that comes before it. Reading more than this to know them would take too long. */
const MAX_READ_BYTES = 2 * 1024 * 1024;
const MAX_SPANS = 40;
const HEAD_BYTES = 1024;
const LAST_BYTES = 256;
const MAX_TEXT = 500;
const FENCE = /\n: after (\S+)\n/;
/** A line that is no field of an event stream. */
const NO_FIELD = /(?:^|[\r\n])(?!:|(?:data|event|id|retry)(?:[:\r\n]|$))[^\r\n]/;

/** A span without its bytes. */
type BareSpan = Omit<Span, 'bytes' | 'last'>;

/** Where to begin reading. `guess`: the ids of foreign text that follow this id are not known. */
interface Begin {
  readonly state: ReadState;
  readonly guess?: string;
}

/** `first`: the state with which to read the file from its beginning. */
export function spansAtEnd(mailbox: MailboxName, fd: number, size: number, first: ReadState): Span[] {
  const windowFrom = characterFrom(fd, Math.max(first.offset, size - WINDOW_BYTES));
  const begin = beginBefore(mailbox, fd, windowFrom, size, first);
  const [oldest, ...others] = spansIn(mailbox, readRange(fd, begin.state.offset, size), begin);
  if (!oldest) return [];
  const from = Math.max(oldest.from, windowFrom);
  const isCut = from > oldest.from && oldest.says.kind !== 'event';
  const isWhole = oldest.says.kind === 'unfinished' || !(isCut || begin.guess !== undefined);
  return withBytes(fd, isWhole ? [oldest, ...others] : [{ from, end: oldest.end, says: { kind: 'cut' } }, ...others]);
}

function beginBefore(mailbox: MailboxName, fd: number, windowFrom: number, size: number, first: ReadState): Begin {
  if (windowFrom - first.offset <= MAX_READ_BYTES) {
    const reader = new MailReader(mailbox, first);
    reader.read(readRange(fd, first.offset, windowFrom), 0);
    if (!reader.state.isLong) return { state: reader.state };
  }
  const guess = FENCE.exec(readRange(fd, windowFrom, size).toString('latin1'))?.[1] ?? first.own;
  return { state: { ...first, offset: windowFrom, own: guess, last: guess }, guess };
}

/** One span for each block, with the blank lines before it. */
function spansIn(mailbox: MailboxName, bytes: Buffer, { state, guess }: Begin): BareSpan[] {
  const spans: BareSpan[] = [];
  const block = new Block();
  let reader = new MailReader(mailbox, state);
  let from = 0;
  while (block.scan(bytes, behindBlankLines(bytes, from))) {
    const end = bytes[block.end - 1] === CR && bytes[block.end] === LF ? block.end + 1 : block.end;
    if (reader.state.end !== undefined) reader = new MailReader(mailbox, behindEnd(reader.state));
    const [event] = reader.read(bytes.subarray(from, end));
    const says = event ? saidBy(event, reader.state, guess) : saidWithout(bytes, block, reader.state);
    spans.push({ from: state.offset + from, end: state.offset + end, says });
    from = end;
  }
  const rest = behindBlankLines(bytes, from);
  const says: Says = { kind: 'unfinished', lines: reader.tailOf(bytes) === 'lines' };
  if (rest < bytes.length) spans.push({ from: state.offset + from, end: state.offset + bytes.length, says });
  else if (from < rest) spans.push({ from: state.offset + from, end: state.offset + rest, says: { kind: 'nothing' } });
  return spans;
}

function saidBy({ id, data, type, time, sender }: ReadEvent, { form }: ReadState, guess: string | undefined): Says {
  const message = sender === undefined ? undefined : messageOf(data);
  const isLate = form === 'late';
  const isKnown = !isLate && !(guess !== undefined && id.startsWith(`${guess}.`));
  return {
    kind: 'event',
    ...(isKnown && { id }),
    ...(isLate && { isLate }),
    ...(time !== undefined && { time }),
    ...(message && { sender: message.sender }),
    ...(type !== undefined && { type }),
    text: (message?.message ?? data).slice(0, MAX_TEXT),
  };
}

/** Why a block is not an event. */
function saidWithout(bytes: Buffer, block: Block, { end, voided }: ReadState): Says {
  if (end !== undefined) return { kind: 'end' };
  if (block.to - block.from > MAX_EVENT_BYTES) return { kind: 'damaged', why: 'longer than 1 MiB' };
  if (voided !== undefined) return { kind: 'damaged', why: 'out of place' };
  const text = textOf(bytes, block);
  if (block.isTorn || fencedAfter(text) !== undefined) return { kind: 'damaged', why: 'torn' };
  return NO_FIELD.test(text) ? { kind: 'damaged', why: 'no data field' } : { kind: 'nothing' };
}

function withBytes(fd: number, spans: readonly BareSpan[]): Span[] {
  const base64 = (from: number, end: number): string => readRange(fd, from, end).toString('base64');
  return spans.slice(-MAX_SPANS).map(({ from, end, says }) => {
    if (end - from <= HEAD_BYTES + LAST_BYTES) return { from, end, bytes: base64(from, end), says };
    const bytes = base64(from, characterFrom(fd, from + HEAD_BYTES));
    return { from, end, bytes, last: base64(characterFrom(fd, end - LAST_BYTES), end), says };
  });
}

/** Where the first whole character at or after an offset begins. Half a character would look like damage. */
function characterFrom(fd: number, offset: number): number {
  if (offset <= 0) return 0;
  const within = readRange(fd, offset, offset + 3).findIndex((byte) => (byte & 0xc0) !== 0x80);
  return offset + (within === -1 ? 3 : within);
}
