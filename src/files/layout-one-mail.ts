import { keyOf } from '../words/message-data.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { foreignFields } from './blocks.ts';
import { readRange } from './disk.ts';
import { idTime, isOwnId } from './event-id.ts';
import { MailReader } from './mail-reader.ts';
import { MAX_BLOCK_BYTES, beginning, behindEnd, type ReadEvent, type ReadState } from './read-state.ts';

/** Version 1 took no id for its own that was further ahead of the clock. */
const MAX_AHEAD_MS = 24 * 60 * 60 * 1000;
const CHUNK_BYTES = 32 * 1024;
const LINE_END = /\r\n|\r|\n/;
const ID = /^\ufeff?id(?:: ?|$)/;
const MAX_KEYS = 10_000;
export const KEYS_LAST_MS = 24 * 60 * 60 * 1000;
const KEYS_LAST_LEAST_MS = 2 * 60 * 1000;

/** An event in a mailbox or a take of layout 1: one of ours has an id and a key. */
export interface OldEvent {
  readonly id?: string;
  readonly key?: string;
  readonly data: string;
  readonly type?: string;
}

/** The events in the bytes from..to of a mailbox or a take, a chunk at a time. `latestMs`: the time now, or of the file. */
export function* oldEvents(
  name: MailboxName,
  fd: number,
  from: number,
  to: number,
  latestMs: number,
): Generator<OldEvent[]> {
  for (const { bytes, offset, events } of chunksOf(name, fd, from, to, Infinity)) {
    yield events.flatMap(({ from, end }) => oldEvent(bytes.toString('utf8', from - offset, end - offset), latestMs));
  }
}

/** Where the last whole event ends, as far as it is known: the last that comes is right. */
export function* endsOfEvents(name: MailboxName, fd: number, from: number, to: number): Generator<number> {
  yield from;
  for (const { state } of chunksOf(name, fd, from, to, 0)) if (!state.isLong) yield state.offset;
}

interface Chunk {
  readonly bytes: Buffer;
  /** Of the bytes, in the file. */
  readonly offset: number;
  readonly events: readonly ReadEvent[];
  readonly state: ReadState;
}

function* chunksOf(name: MailboxName, fd: number, from: number, to: number, most: number): Generator<Chunk> {
  const reader = new MailReader(name, behindEnd(beginning(), from));
  for (let offset = from, length = CHUNK_BYTES; ;) {
    const bytes = readRange(fd, offset, Math.min(to, offset + length));
    const events = reader.read(bytes, most);
    const { state } = reader;
    if (state.offset === offset) {
      if (offset + bytes.length >= to || length > MAX_BLOCK_BYTES) return;
      length *= 2;
      continue;
    }
    yield { bytes, offset, events, state };
    ({ offset } = state);
    length = CHUNK_BYTES;
  }
}

/** None when a message of ours was torn. */
function oldEvent(block: string, latestMs: number): OldEvent[] {
  const lines = block.split(LINE_END);
  const { data = '', type } = foreignFields(lines);
  const id = lines.findLast((line) => ID.test(line))?.replace(ID, '') ?? '';
  if (!isOwnId(id) || idTime(id) > latestMs + MAX_AHEAD_MS) return [type === undefined ? { data } : { data, type }];
  const key = keyOf(data);
  return key === undefined ? [] : [{ id, key, data }];
}

/** The keys of the newest events, as long as version 1 remembered them: what stands in the log and in a take comes once. */
export class OldKeys {
  #older = new Map<string, string>();
  #newer = new Map<string, string>();
  #olderMs = 0;

  has(key: string, now: number): boolean {
    const id = this.#newer.get(key) ?? this.#older.get(key);
    return id !== undefined && idTime(id) >= now - KEYS_LAST_MS;
  }

  add(key: string, id: string): void {
    this.#newer.set(key, id);
    const now = idTime(id);
    if (this.#newer.size < MAX_KEYS || this.#olderMs > now - KEYS_LAST_LEAST_MS) return;
    this.#older = this.#newer;
    this.#newer = new Map();
    this.#olderMs = now;
  }
}
