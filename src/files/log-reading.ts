/** Reads the files of a log, forwards from a cursor or backwards from an id, in slices and from the nearest checkpoint. */
import { closeSync } from 'node:fs';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { IsWanted, MailEvent } from '../words/mailbox-store.ts';
import { READ, borrowRange, sizeOf } from './disk.ts';
import { compareIds, idTime, isForeignId } from './event-id.ts';
import { openLogFile, type LogFile } from './log-file.ts';
import { MailReader } from './mail-reader.ts';
import type { ReadEvent, ReadState } from './read-state.ts';
import { Slices } from '../words/slices.ts';

/** A reader that pauses holds no more than this in memory. */
const CHUNK_BYTES = 64 * 1024;
/** The most that is read at once, for an event that is longer than a chunk. */
const MAX_CHUNK_BYTES = 2 * 1024 * 1024;

/** `states` skips the texts: much faster if only positions are wanted. A function tells which chunks have texts that are. */
export type Depth = 'events' | 'states' | IsWanted;

interface Chunk {
  readonly events: ReadEvent[];
  /** Where the next chunk begins. */
  readonly state: ReadState;
}

/** Reads from a state to the end of what may be shown, or at least to the offset `to`. Other work gets its turn between chunks. */
export async function* chunksOf(
  mailbox: MailboxName,
  file: LogFile,
  from: ReadState,
  depth: Depth = 'events',
  to = Infinity,
): AsyncGenerator<Chunk> {
  const slices = new Slices();
  await slices.rest(); // many short readings add up to long work
  const fd = openLogFile(file, READ);
  try {
    file.size = sizeOf(fd);
    const reader = new MailReader(mailbox, from);
    let length = CHUNK_BYTES;
    for (let { offset } = from; offset < to && reader.state.end === undefined;) {
      const end = Math.min(file.readTo, sizeOf(fd));
      const bytes = borrowRange(fd, offset, Math.min(offset + length, end));
      const isRead = typeof depth === 'function' ? depth(bytes) : depth === 'events';
      const events = reader.read(bytes, isRead ? Infinity : 0);
      if (reader.state.offset === offset) {
        if (offset + bytes.length >= end || length > MAX_CHUNK_BYTES) return;
        length *= 4; // the event is longer than the chunk
        continue;
      }
      length = CHUNK_BYTES;
      ({ offset } = reader.state);
      file.note(reader.state);
      yield { events, state: reader.state };
      await slices.rest();
    }
  } finally {
    closeSync(fd);
  }
}

/** Some events after `cursor`, oldest first; empty only if this file has none. */
export async function readAfter(
  mailbox: MailboxName,
  file: LogFile,
  cursor: string,
  limit: number,
): Promise<MailEvent[]> {
  for await (const { events, state } of chunksOf(mailbox, file, file.before(cursor))) {
    const first = events.findIndex(({ id }) => compareIds(id, cursor) > 0);
    if (first === -1) continue;
    const asked = events.slice(first, first + limit);
    if (first + limit >= events.length) file.noteStop(state);
    return dated(mailbox, file, asked, events.slice(first + limit), state);
  }
  return [];
}

/** Events, newest first. `isAll`: the file has no earlier ones. */
export interface Back {
  readonly events: MailEvent[];
  readonly isAll: boolean;
}

/** What `readBefore` looks for. */
export interface BackQuery {
  readonly before: string | undefined;
  readonly limit: number;
  /** Counts the bytes of stretches that had events. When it is used up, something was found. */
  readonly budget: { bytes: number };
  readonly isWanted: IsWanted | undefined;
}

/** The newest events before `before`, newest first: at most `limit`, fewer once `budget` is used up. */
export async function readBefore(
  mailbox: MailboxName,
  file: LogFile,
  { before, limit, budget, isWanted }: BackQuery,
): Promise<Back> {
  const isAsked = ({ id }: MailEvent): boolean => before === undefined || compareIds(id, before) < 0;
  const slices = new Slices();
  const beginnings = await allBeginnings(mailbox, file);
  const found: MailEvent[] = [];
  for (const [i, from] of [...beginnings.entries()].toReversed()) {
    if (before !== undefined && compareIds(from.last, before) >= 0) continue;
    const to = beginnings[i + 1]?.offset ?? Infinity;
    await slices.rest();
    if (isWanted && !isWanted(bytesOf(file, from.offset, to))) continue;
    const part = (await readStretch(mailbox, file, from, to)).filter(isAsked).toReversed();
    found.push(...part);
    if (part.length > 0) budget.bytes -= Math.min(to, file.size) - from.offset;
    if (found.length > limit) return { events: found.slice(0, limit), isAll: false };
    if (found.length === limit || budget.bytes <= 0) return { events: found, isAll: from.count === 0 };
  }
  return { events: found, isAll: true };
}

/** Valid only until something else is read. */
function bytesOf(file: LogFile, from: number, to: number): Buffer {
  const fd = openLogFile(file, READ);
  try {
    return borrowRange(fd, from, Math.min(to, sizeOf(fd)));
  } finally {
    closeSync(fd);
  }
}

async function readStretch(mailbox: MailboxName, file: LogFile, from: ReadState, to: number): Promise<MailEvent[]> {
  const part: MailEvent[] = [];
  for await (const { events, state } of chunksOf(mailbox, file, from, 'events', to)) {
    const inPart = events.filter((event) => event.from < to);
    part.push(...(await dated(mailbox, file, inPart, events.slice(inPart.length), state)));
  }
  return part;
}

/** The event with this id, if this file has it. */
export async function findEvent(mailbox: MailboxName, file: LogFile, id: string): Promise<MailEvent | undefined> {
  const from = file.beginnings.findLast(({ last }) => compareIds(last, id) < 0) ?? file.first;
  for await (const { events, state } of chunksOf(mailbox, file, from)) {
    const at = events.findIndex((event) => event.id === id);
    if (at !== -1) return (await dated(mailbox, file, [events[at]!], events.slice(at + 1), state))[0];
    if (compareIds(state.last, id) > 0) return undefined;
  }
  return undefined;
}

/** All checkpoints of a file. A file that was not read to its end is read once. */
export async function allBeginnings(mailbox: MailboxName, file: LogFile): Promise<readonly ReadState[]> {
  if (!file.isScanned) {
    for await (const { state } of chunksOf(mailbox, file, file.beginnings.at(-1)!, 'states')) void state;
    file.isScanned = true;
  }
  return file.beginnings;
}

/**
 * Gives events their times. Foreign mail gets the time of the next own id in its file, or of the file's end, so times
 * never fall within a mailbox. In the file come first `events`, then `following`, then `state`.
 */
export async function dated(
  mailbox: MailboxName,
  file: LogFile,
  events: readonly ReadEvent[],
  following: readonly ReadEvent[],
  state: ReadState,
): Promise<MailEvent[]> {
  const next = following.find(isOwn);
  const last = events.at(-1);
  let ms = next ? idTime(next.id) : endMs(state);
  if (last && !isOwn(last)) ms ??= last.time ?? (await nextOwnMs(mailbox, file, state));
  return timed(events, ms ?? 0);
}

/** Events with their times. Foreign events at the end get the time `ms`. */
export function timed(events: readonly ReadEvent[], ms: number): MailEvent[] {
  const made = events.toReversed().map((event): MailEvent => {
    const { id, data, type } = event;
    if (isOwn(event)) ms = idTime(id);
    const made = { id, time: event.time ?? ms, data, type };
    return event.sender === undefined ? { ...made, foreign: true } : made;
  });
  return made.toReversed();
}

/** Remembers the answer for the whole run of foreign mail, so that a long run is read to its end only once. */
async function nextOwnMs(mailbox: MailboxName, file: LogFile, from: ReadState): Promise<number> {
  const known = file.run?.own === from.own ? file.run : undefined;
  if (known?.ms !== undefined) return known.ms;
  let before = known && known.to.offset > from.offset ? known.to : from;
  for await (const { state } of chunksOf(mailbox, file, before, 'states')) {
    if (state.own !== from.own || state.end !== undefined) break;
    before = state;
  }
  let ms: number | undefined;
  for await (const { events, state } of chunksOf(mailbox, file, before)) {
    const own = events.find(isOwn);
    ms = own ? idTime(own.id) : endMs(state);
    if (ms !== undefined) break;
  }
  file.run = { own: from.own, to: before, ms };
  return ms ?? file.foreignMs;
}

function endMs({ end, endedAt }: ReadState): number | undefined {
  return end === undefined ? undefined : (endedAt ?? idTime(end));
}

function isOwn({ id }: ReadEvent): boolean {
  return !isForeignId(id);
}
