/** Cuts the end of a file into pieces, each with what it says: of a mailbox or take, and of a log. */
import { messageOf } from '../stored-message.ts';
import type { Piece, Says } from '../inspector.ts';
import { splitBlocks, parseFrames, type Parsed } from './event-frame.ts';
import { idTime } from './event-id.ts';
import { batchesIn, type ReadBatch } from './log-segments.ts';
import { readRange } from './disk.ts';
import { readStretches } from './waiting-mail.ts';

/** How much of a file's end is shown. */
const WINDOW_BYTES = 16 * 1024;
const MAX_PIECES = 40;
/** A batch is found by its beginning: most begin within so many bytes, the longest event makes it more. */
const LOG_WINDOWS_BYTES = [256 * 1024, 4 * 1024 * 1024];
const HEAD_BYTES = 1024;
const LAST_BYTES = 256;
const MAX_TEXT = 500;
const LF = 10;
const CR = 13;

/** A piece before its bytes are put in. */
interface Span {
  readonly from: number;
  readonly end: number;
  readonly says: Says;
}

/** Mail in a mailbox or a take. */
export function mailPieces(fd: number, size: number, now: number): Piece[] {
  const from = windowStart(fd, size, WINDOW_BYTES);
  const { stretches, end } = readStretches(fd, from, size, now);
  const spans: Span[] = stretches.map((stretch) => ({ ...stretch, says: saidBy(stretch.parsed) }));
  if (end < size) spans.push({ from: end, end: size, says: unfinished(fd, size) });
  const first = spans[0];
  if (from > 0 && first && end > from) spans[0] = { ...first, says: { kind: 'cut' } };
  return withBytes(fd, spans);
}

/** Bytes that were set aside as they are. */
export function tornPieces(fd: number, size: number): Piece[] {
  return size === 0 ? [] : withBytes(fd, [{ from: 0, end: size, says: { kind: 'damaged', why: 'set aside' } }]);
}

/** A segment of a log: batches, what they hold, and what does not count. */
export function logPieces(fd: number, size: number): Piece[] {
  let from = size;
  let batches: ReadBatch[] = [];
  for (const window of LOG_WINDOWS_BYTES) {
    if (batches.length > 0 || from === 0) break;
    from = windowStart(fd, size, window);
    batches = [...batchesIn(readRange(fd, from, size), from)];
  }
  // From the end: of many batches only the last are looked into.
  const spans: Span[][] = [];
  let end = size;
  let count = 0;
  for (const found of batches.toReversed()) {
    if (count >= MAX_PIECES) break;
    const { start, next } = found.batch;
    const behind = next < end ? [between(next, end)] : [];
    spans.unshift([...batchSpans(found), ...behind]);
    count += spans[0]!.length;
    end = start;
  }
  if (count < MAX_PIECES && end > from) spans.unshift([between(from, end, from > 0)]);
  return withBytes(fd, newest(spans.flat()));
}

/** How far each take is logged, as the batches of one segment say; its first batch repeats what came before. */
export function loggedTakes(bytes: Buffer): Map<string, number> {
  const logged = new Map<string, number>();
  for (const { batch } of batchesIn(bytes, 0)) {
    for (const { take, to } of batch.ranges) logged.set(take, Math.max(logged.get(take) ?? 0, to));
  }
  return logged;
}

/** What is no whole batch; before the first of a window it may well be one that begins earlier. */
function between(from: number, end: number, isCut = false): Span {
  return { from, end, says: { kind: isCut ? 'cut' : 'void' } };
}

function batchSpans({ batch, body }: ReadBatch): Span[] {
  const { blocks, rest } = splitBlocks(body);
  const takes = batch.ranges.map(({ take }) => take);
  const spans: Span[] = [
    { from: batch.start, end: batch.body, says: { kind: 'batch', time: batch.ms, events: blocks.length, takes } },
  ];
  let at = 0;
  for (const [i, block] of blocks.entries()) {
    const end = i === blocks.length - 1 ? rest : block.end;
    const [event] = parseFrames(body.toString('utf8', block.from, block.to).replace(/\n$/, ''), batch.ms);
    const says: Says = event ? eventSays(event.data, event) : { kind: 'nothing' };
    spans.push({ from: batch.body + at, end: batch.body + end, says });
    at = end;
  }
  return spans;
}

function saidBy(parsed: Parsed): Says {
  if (parsed.kind === 'own') return eventSays(parsed.data, { id: parsed.id, time: idTime(parsed.id) });
  if (parsed.kind === 'foreign') return eventSays(parsed.data, parsed.type === undefined ? {} : { type: parsed.type });
  return parsed;
}

function eventSays(data: string, { id, time, type }: { id?: string; time?: number; type?: string }): Says {
  const isForeign = id === undefined || id.includes('.');
  const message = isForeign ? undefined : messageOf(data);
  return {
    kind: 'event',
    ...(id !== undefined && { id }),
    ...(time !== undefined && { time }),
    ...(message && { sender: message.sender }),
    ...(type !== undefined && { type }),
    text: (message?.message ?? data).slice(0, MAX_TEXT),
  };
}

function unfinished(fd: number, size: number): Says {
  const last = readRange(fd, size - 1, size)[0];
  return { kind: 'unfinished', lines: last === LF || last === CR };
}

/** As many as fit, from the end; the newest however long it is. */
function newest(spans: readonly Span[]): readonly Span[] {
  let bytes = 0;
  const tooMany = spans.findLastIndex(({ from, end }) => (bytes += end - from) > WINDOW_BYTES);
  return spans.slice(Math.max(0, Math.min(tooMany + 1, spans.length - 1)));
}

function withBytes(fd: number, spans: readonly Span[]): Piece[] {
  return spans.slice(-MAX_PIECES).map(({ from, end, says }) => {
    const isLong = end - from > HEAD_BYTES + LAST_BYTES;
    const bytes = readRange(fd, from, isLong ? from + HEAD_BYTES : end);
    if (!isLong) return { from, end, bytes: bytes.toString('base64'), says };
    const last = readRange(fd, end - LAST_BYTES, end);
    return { from, end, bytes: wholeStart(bytes), last: wholeEnd(last), says };
  });
}

/** Where the last so many bytes begin. */
function windowStart(fd: number, size: number, bytes: number): number {
  const from = Math.max(0, size - bytes);
  return from === 0 ? 0 : from + continuations(readRange(fd, from, from + 3));
}

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** No character is cut in two where we cut: it would look like damage. */
function wholeStart(bytes: Buffer): string {
  let end = bytes.length;
  for (let i = 0; i < 3 && isContinuation(bytes[end - 1]); i += 1) end -= 1;
  if ((bytes[end - 1] ?? 0) >= 0xc0) end -= 1;
  return bytes.subarray(0, end).toString('base64');
}

function wholeEnd(bytes: Buffer): string {
  return bytes.subarray(continuations(bytes)).toString('base64');
}

/** How many bytes at the beginning belong to a character that begins before. */
function continuations(bytes: Buffer): number {
  let count = 0;
  while (count < 3 && isContinuation(bytes[count])) count += 1;
  return count;
}
