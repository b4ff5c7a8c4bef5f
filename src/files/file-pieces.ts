/** Cuts the end of a file into pieces, each with what it says: of a mailbox or take, and of a log. */
import { messageOf } from '../message-data.ts';
import type { Piece, Says } from '../inspector.ts';
import type { MailEvent } from '../mailbox-store.ts';
import { frame, type Parsed } from './event-frame.ts';
import { idTime } from './event-id.ts';
import { batchesIn, eventsOf, type ReadBatch } from './log-segments.ts';
import { readRange } from './disk.ts';
import { readStretches } from './waiting-mail.ts';

/** How much of a file's end is shown. */
const WINDOW_BYTES = 16 * 1024;
const MAX_PIECES = 40;
const HEAD_BYTES = 1024;
const LAST_BYTES = 256;
const MAX_TEXT = 500;
const LF = 10;
const CR = 13;

/** A piece before its bytes are put in. */
type Span = Omit<Piece, 'bytes' | 'last'>;

/** Mail in a mailbox or a take. */
export function mailPieces(fd: number, size: number, now: number): Piece[] {
  const from = characterFrom(fd, size - WINDOW_BYTES);
  const { stretches, end } = readStretches(fd, from, size, now);
  const spans = stretches.map(({ parsed, ...range }, i): Span => {
    return { ...range, says: i === 0 && from > 0 ? { kind: 'cut' } : saidBy(parsed) };
  });
  if (end < size) {
    const last = readRange(fd, size - 1, size)[0];
    spans.push({ from: end, end: size, says: { kind: 'unfinished', lines: last === LF || last === CR } });
  }
  return withBytes(fd, spans);
}

/** Bytes that were set aside as they are. */
export function tornPieces(fd: number, size: number): Piece[] {
  return size === 0 ? [] : withBytes(fd, [{ from: 0, end: size, says: { kind: 'damaged', why: 'set aside' } }]);
}

/** A segment of a log: batches, what they hold, and what does not count. */
export function logPieces(fd: number, size: number): Piece[] {
  const spans: Span[] = [];
  let end = size;
  // From the end: of many batches only the last are read.
  for (const found of [...batchesIn(readRange(fd, 0, size), 0)].toReversed()) {
    if (spans.length >= MAX_PIECES) break;
    spans.unshift(...batchSpans(found), ...voidIn(found.batch.next, end));
    end = found.batch.start;
  }
  if (spans.length < MAX_PIECES) spans.unshift(...voidIn(0, end));
  return withBytes(fd, newest(spans));
}

/** Bytes that are no whole batch. */
function voidIn(from: number, end: number): Span[] {
  return from < end ? [{ from, end, says: { kind: 'void' } }] : [];
}

function batchSpans(found: ReadBatch): Span[] {
  const { start, body, ms, ranges } = found.batch;
  const events = eventsOf(found);
  const takes = ranges.map(({ take }) => take);
  const spans: Span[] = [{ from: start, end: body, says: { kind: 'batch', time: ms, events: events.length, takes } }];
  let from = body;
  for (const event of events) {
    const end = from + Buffer.byteLength(frame(event));
    spans.push({ from, end, says: eventSays(event) });
    from = end;
  }
  return spans;
}

function saidBy(parsed: Parsed): Says {
  if (parsed.kind === 'own') return eventSays({ ...parsed, time: idTime(parsed.id) });
  return parsed.kind === 'foreign' ? eventSays(parsed) : parsed;
}

function eventSays({ data, id, time, type }: Partial<MailEvent> & { readonly data: string }): Says {
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

/** As many as fit, from the end; the newest however long it is. */
function newest(spans: readonly Span[]): readonly Span[] {
  let bytes = 0;
  const tooMany = spans.findLastIndex(({ from, end }) => (bytes += end - from) > WINDOW_BYTES);
  return spans.slice(Math.max(0, Math.min(tooMany + 1, spans.length - 1)));
}

function withBytes(fd: number, spans: readonly Span[]): Piece[] {
  const base64 = (from: number, end: number): string => readRange(fd, from, end).toString('base64');
  return spans.slice(-MAX_PIECES).map(({ from, end, says }) => {
    if (end - from <= HEAD_BYTES + LAST_BYTES) return { from, end, bytes: base64(from, end), says };
    const bytes = base64(from, characterFrom(fd, from + HEAD_BYTES));
    return { from, end, bytes, last: base64(characterFrom(fd, end - LAST_BYTES), end), says };
  });
}

/** Where the first whole character at or after an offset begins: one that is cut in two would look like damage. */
function characterFrom(fd: number, offset: number): number {
  if (offset <= 0) return 0;
  const within = readRange(fd, offset, offset + 3).findIndex((byte) => (byte & 0xc0) !== 0x80);
  return offset + (within === -1 ? 3 : within);
}
