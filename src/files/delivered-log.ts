import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MailboxError, isErrno } from '../mailbox-error.ts';
import type { Batch, MailEvent } from '../mailbox-store.ts';
import {
  APPEND,
  APPEND_OR_CREATE,
  READ,
  appendWhole,
  makeDirectory,
  namesIn,
  readRange,
  sizeOf,
  sync,
  syncDirectory,
  syncNow,
  withFile,
  writeError,
} from './disk.ts';
import { messageFields, parseFrames } from './event-frame.ts';
import { FIRST_ID, compareIds, idTime, isEventId, laterId } from './event-id.ts';
import { encodeBatch, findBatch, type LoggedBatch, type TakeRange } from './log-batch.ts';
import { RecentKeys } from './recent-keys.ts';

export interface LogOptions {
  /** A segment is closed when it has reached so many bytes. */
  readonly segmentBytes: number;
  /** Segments whose newest event is older are dropped, once the mark has passed them. */
  readonly keepMs: number;
  /** The oldest segments are dropped while there are more bytes than this, once the mark has passed them. */
  readonly keepBytes: number;
  readonly now: () => number;
}

/** What to log in one batch: its events, and the bytes of takes that they were made from. */
export interface Draft {
  readonly frames: string;
  readonly events: readonly MailEvent[];
  readonly ranges: readonly TakeRange[];
}

interface Position {
  readonly segment: string;
  readonly offset: number;
}

const ENDING = '.log';
const READ_BYTES = 64 * 1024;
const CACHED_BYTES = 64 * 1024;
const MAX_POSITIONS = 64;
const MAX_ATTEMPTS = 1000;
const KEYS_OUTLIVE_MS = 2 * 60 * 1000;

/**
 * Everything that has left one mailbox, append-only, in segments. A segment is named by the id it begins after.
 * Fenced by position (log-batch.ts), so that any number of processes may append and read without a lock.
 * What a reader gets here is on disk: nothing is handed out before its `fdatasync`.
 */
export class DeliveredLog {
  readonly #dir: string;
  readonly #options: LogOptions;

  #segments: string[] = [];
  #fd: number | undefined;
  #opened = false;
  /** Read so far in the newest segment: whole batches up to here. */
  #at = 0;
  /** The size of the newest segment when we last looked: where a batch that knows everything must come to stand. */
  #size = 0;
  #syncedAt = 0;
  #ended = false;
  #last = FIRST_ID;
  #lastMs = 0;
  #synced = FIRST_ID;
  /** How far each take is logged, in bytes. */
  #consumed = new Map<string, number>();
  #keys: RecentKeys | undefined;

  #cached: MailEvent[] = [];
  #cachedAfter = FIRST_ID;
  #cachedBytes = 0;
  #positions = new Map<string, Position>();

  constructor(dir: string, options: LogOptions) {
    this.#dir = dir;
    this.#options = options;
  }

  /** The newest id in the log, whoever wrote it, on disk or not. */
  get last(): string {
    return this.#last;
  }

  /** The newest id that readers may see. */
  get newest(): string {
    this.#open();
    return this.#synced;
  }

  /** The cursor that reads everything kept. */
  get oldest(): string {
    this.#open();
    return this.#segments[0] ?? FIRST_ID;
  }

  consumed(take: string): number {
    return this.#consumed.get(take) ?? 0;
  }

  get keys(): RecentKeys {
    return (this.#keys ??= this.#readKeys());
  }

  /** Whether another process has written, as far as a `stat` can tell. */
  hasGrown(): boolean {
    if (this.#fd === undefined) return this.#listSegments().length > 0;
    const { size, nlink } = fstatSync(this.#fd);
    return this.#ended || nlink === 0 || size !== this.#size;
  }

  /** Reads on to the end of the log: what other processes have written. Makes it durable before anyone relies on it. */
  async catchUp(): Promise<void> {
    this.#readOn();
    if (this.#syncedAt < this.#at) await this.#makeDurable();
  }

  /**
   * Logs what `build` drafts, in one write and one `fdatasync`. `build` runs when everything logged so far is known,
   * and again when another process wrote first; without a draft nothing is written. Resolves to the draft that stands.
   * Like `catchUp`, for one caller at a time.
   */
  async commit<D extends Draft>(build: () => D | undefined): Promise<D | undefined> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      this.#readOn();
      const draft = build();
      if (!draft) {
        if (this.#syncedAt < this.#at) await this.#makeDurable();
        return undefined;
      }
      if (this.#openedNewest() || this.#endedFull() || !this.#write(draft, false)) continue;
      await this.#makeDurable();
      if (fstatSync(this.#fd!).nlink > 0) return draft;
      this.close(); // somebody removed the log: what we wrote is out of reach, so write it again
    }
    throw new MailboxError('MAILBOX_BUSY', 'Other programs were always first to write to this log. Send again.');
  }

  /** Events after a cursor, oldest first: about 64 KiB of them, or `limit`; none means that this is the end. */
  read(after: string, limit: number): Batch {
    this.#open();
    const gap = compareIds(after, this.oldest) < 0;
    if (compareIds(after, this.#synced) >= 0) return { events: [], gap };
    return { events: this.#readCached(after, limit) ?? this.#readSegments(after, limit), gap };
  }

  /** Events before a cursor, newest first, at most `limit`, looking at about 1 MiB. `more`: where to go on. */
  readBack(before: string | undefined, limit: number): { events: MailEvent[]; more?: string } {
    this.#open();
    const events: MailEvent[] = [];
    const from = before === undefined ? this.#segments.length - 1 : this.#segmentIndex(before);
    for (let i = from; i >= 0; i -= 1) {
      for (const { batch, bytes } of this.#batchesOf(this.#segments[i]!).toReversed()) {
        for (const event of eventsOf(batch, bytes).toReversed()) {
          if (before !== undefined && compareIds(event.id, before) >= 0) continue;
          if (events.length === limit) return { events, more: events.at(-1)!.id };
          events.push(event);
        }
      }
      if (events.length > 0 && i > 0) return { events, more: events.at(-1)!.id };
    }
    return { events };
  }

  /** The event with this id, if it is kept. */
  find(id: string): MailEvent | undefined {
    this.#open();
    const index = this.#segmentIndex(id);
    for (const name of this.#segments.slice(Math.max(0, index - 1), index + 1)) {
      for (const { batch, bytes } of this.#batchesOf(name)) {
        const event = eventsOf(batch, bytes).find((candidate) => candidate.id === id);
        if (event) return event;
      }
    }
    return undefined;
  }

  /** Drops the oldest segments that are past the mark and past age or size; the keys of two minutes stay known. */
  retain(mark: string): void {
    const now = this.#options.now();
    const maxSegments = Math.ceil(this.#options.keepBytes / this.#options.segmentBytes);
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined || compareIds(next, mark) > 0) return;
      const age = now - idTime(next);
      if (age < KEYS_OUTLIVE_MS || (age < this.#options.keepMs && this.#segments.length <= maxSegments)) return;
      rmSync(join(this.#dir, oldest + ENDING), { force: true });
      this.#segments.shift();
    }
  }

  /** Forgets positions of takes that are gone. */
  keepTakes(takes: ReadonlySet<string>): void {
    for (const take of this.#consumed.keys()) if (!takes.has(take)) this.#consumed.delete(take);
  }

  /** Gives back the file descriptor and what is held in memory; the next call reads the log anew. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#opened = false;
    this.#segments = [];
    this.#at = 0;
    this.#size = 0;
    this.#syncedAt = 0;
    this.#ended = false;
    this.#last = FIRST_ID;
    this.#lastMs = 0;
    this.#synced = FIRST_ID;
    this.#consumed.clear();
    this.#keys = undefined;
    this.#startCache(FIRST_ID);
    this.#positions.clear();
  }

  /** Leaves nothing behind. */
  remove(): void {
    this.close();
    rmSync(this.#dir, { recursive: true, force: true });
  }

  // Reading on

  #open(): void {
    if (this.#opened) return;
    this.#opened = true;
    const names = this.#listSegments();
    this.#segments = names;
    if (names.length === 0) return;
    this.#enter(names.at(-1)!);
    this.#scan();
    if (this.#at === 0 && names.length > 1) {
      // The writer of the newest segment died before its first batch: what recovery needs stands in the one before.
      this.#segments = names.slice(0, -1);
      this.#enter(names.at(-2)!);
      this.#scan();
      if (this.#segments.length < names.length) this.#follow(names.at(-1)!);
    }
    this.#makeDurableNow(); // a process that died may have left whole batches in the page cache only
  }

  #readOn(): void {
    this.#open();
    if (this.#fd !== undefined && fstatSync(this.#fd).nlink === 0) {
      this.close();
      this.#open();
    }
    if (this.#fd === undefined && this.#segments.length === 0) {
      this.#segments = this.#listSegments();
      if (this.#segments.length === 0) return;
      this.close();
      this.#open();
    }
    this.#scan();
  }

  /** Takes in every whole batch from where we are, segment after segment. */
  #scan(): void {
    while (this.#fd !== undefined) {
      if (this.#ended && !this.#enterNext()) return;
      this.#size = sizeOf(this.#fd);
      if (this.#size > this.#at) this.#takeInAll(readRange(this.#fd, this.#at, this.#size));
      if (!this.#ended) return;
    }
  }

  #takeInAll(bytes: Buffer): void {
    const base = this.#at;
    for (let batch = findBatch(bytes, base, base); batch; batch = findBatch(bytes, base, batch.next)) {
      this.#takeIn(batch);
      if (this.#keys) this.#addKeys(this.#keys, eventsOf(batch, bytes.subarray(batch.body - base, batch.next - base)));
      this.#startCache(batch.last);
      if (batch.end) return;
    }
  }

  #takeIn(batch: LoggedBatch): void {
    this.#at = batch.next;
    this.#last = laterId(this.#last, batch.last);
    this.#lastMs = Math.max(this.#lastMs, batch.ms);
    this.#ended = batch.end;
    for (const { take, to } of batch.ranges) this.#consumed.set(take, Math.max(this.consumed(take), to));
  }

  #enter(name: string): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#fd = openSync(join(this.#dir, name + ENDING), APPEND);
    this.#at = 0;
    this.#size = 0;
    this.#syncedAt = 0;
    this.#ended = false;
    this.#last = laterId(this.#last, name);
  }

  /** Goes from an ended segment to the next, if someone has made it. */
  #enterNext(): boolean {
    const current = this.#segments.at(-1);
    const next = this.#listSegments().find((name) => current === undefined || compareIds(name, current) > 0);
    if (next === undefined) return false;
    this.#follow(next);
    return true;
  }

  /** Leaves the segment we are in, all of it durable, for the next. */
  #follow(next: string): void {
    this.#makeDurableNow();
    if (this.#segments.at(-1) !== next) this.#segments.push(next);
    this.#enter(next);
    this.#scan();
  }

  #listSegments(): string[] {
    return namesIn(this.#dir)
      .filter((name) => name.endsWith(ENDING) && isEventId(name.slice(0, -ENDING.length)))
      .map((name) => name.slice(0, -ENDING.length))
      .toSorted(compareIds);
  }

  #readKeys(): RecentKeys {
    const kept: MailEvent[][] = [];
    let count = 0;
    back: for (const name of this.#segments.toReversed()) {
      for (const { batch, bytes } of this.#batchesOf(name, Infinity).toReversed()) {
        const events = eventsOf(batch, bytes);
        if (events[0] && !RecentKeys.reaches(events[0].id, count, this.#options.now())) break back;
        count += events.length;
        kept.push(events);
      }
    }
    const keys = new RecentKeys();
    for (const events of kept.toReversed()) this.#addKeys(keys, events);
    return keys;
  }

  #addKeys(keys: RecentKeys, events: readonly MailEvent[]): void {
    for (const { id, data } of events) {
      const fields = messageFields(data);
      if (fields) keys.set(fields.sender, fields.key, id);
    }
  }

  // Writing

  /** Makes the first or the next segment when there is none to write to; true: look again before writing. */
  #openedNewest(): boolean {
    if (this.#fd !== undefined && !this.#ended) return false;
    const name = this.#last;
    const carried = [...this.#consumed].map(([take, to]) => ({ take, from: 0, to }));
    try {
      makeDirectory(this.#dir);
      withFile(join(this.#dir, name + ENDING), APPEND_OR_CREATE, () => undefined);
      syncDirectory(this.#dir);
    } catch (error) {
      throw writeError(error);
    }
    this.#follow(name);
    if (this.#at === 0 && carried.length > 0) this.#write({ frames: '', events: [], ranges: carried }, false);
    return true;
  }

  /** Closes a segment that is full; true: look again before writing. A segment without events would name its next alike. */
  #endedFull(): boolean {
    if (this.#at < this.#options.segmentBytes || this.#last === this.#segments.at(-1)) return false;
    this.#write({ frames: '', events: [], ranges: [] }, true);
    return true;
  }

  /** Whether the batch came to stand where it says: whoever appended since our last look shifts it, and it is void. */
  #write(draft: Draft, end: boolean): boolean {
    const start = this.#size;
    const ms = Math.max(this.#options.now(), this.#lastMs);
    const last = draft.events.at(-1)?.id ?? this.#last;
    const bytes = encodeBatch(start, { ms, last, ranges: draft.ranges, end }, draft.frames);
    appendWhole(this.#fd!, bytes);
    const body = bytes.length - Buffer.byteLength(draft.frames);
    if (!readRange(this.#fd!, start, start + body).equals(bytes.subarray(0, body))) return false;

    const before = this.#last;
    this.#size = start + bytes.length;
    this.#takeIn({ start, body: start + body, next: this.#size, ms, last, ranges: draft.ranges, end });
    if (this.#keys) this.#addKeys(this.#keys, draft.events);
    this.#cache(before, draft.events, bytes.length);
    return true;
  }

  async #makeDurable(): Promise<void> {
    const at = this.#at;
    const last = this.#last;
    await sync(this.#fd!);
    this.#syncedAt = at;
    this.#synced = last;
  }

  #makeDurableNow(): void {
    if (this.#fd !== undefined) syncNow(this.#fd);
    this.#syncedAt = this.#at;
    this.#synced = this.#last;
  }

  // Reading events

  #cache(after: string, events: readonly MailEvent[], bytes: number): void {
    if (this.#cached.length === 0 || this.#cachedBytes + bytes > CACHED_BYTES) this.#startCache(after);
    if (bytes > CACHED_BYTES) return this.#startCache(this.#last);
    this.#cached.push(...events);
    this.#cachedBytes += bytes;
  }

  #startCache(after: string): void {
    this.#cached = [];
    this.#cachedBytes = 0;
    this.#cachedAfter = after;
  }

  /** What was written a moment ago need not be read back from disk. */
  #readCached(after: string, limit: number): MailEvent[] | undefined {
    if (this.#cached.length === 0 || compareIds(after, this.#cachedAfter) < 0) return undefined;
    const from = this.#cached.findLastIndex(({ id }) => compareIds(id, after) <= 0) + 1;
    const events = this.#cached.slice(from, from + limit);
    while (events.length > 0 && compareIds(events.at(-1)!.id, this.#synced) > 0) events.pop();
    return events;
  }

  #readSegments(after: string, limit: number): MailEvent[] {
    const events: MailEvent[] = [];
    let bytesRead = 0;
    let position = this.#positions.get(after) ?? this.#seek(after);
    while (events.length < limit && bytesRead < READ_BYTES) {
      const found = this.#batchFrom(position);
      if (!found) {
        const next = this.#segments[this.#segments.indexOf(position.segment) + 1];
        if (next === undefined) break;
        position = { segment: next, offset: 0 };
        continue;
      }
      const { batch, bytes } = found;
      position = { segment: position.segment, offset: batch.next };
      bytesRead += bytes.length;
      for (const event of eventsOf(batch, bytes)) if (compareIds(event.id, after) > 0) events.push(event);
    }
    if (events.length > limit) events.length = limit;
    else if (events.length > 0) this.#remember(events.at(-1)!.id, position);
    return events;
  }

  #remember(id: string, position: Position): void {
    this.#positions.set(id, position);
    if (this.#positions.size > MAX_POSITIONS) this.#positions.delete(this.#positions.keys().next().value!);
  }

  /** Where the batch with the first event after `after` begins: one segment is looked through. */
  #seek(after: string): Position {
    const segment = this.#segments[this.#segmentIndex(after)]!;
    const found = this.#batchesOf(segment).find(({ batch }) => compareIds(batch.last, after) > 0);
    return { segment, offset: found?.batch.start ?? this.#readableEnd(segment) };
  }

  #segmentIndex(id: string): number {
    return Math.max(
      0,
      this.#segments.findLastIndex((name) => compareIds(name, id) <= 0),
    );
  }

  #readableEnd(segment: string): number {
    return segment === this.#segments.at(-1) && !this.#ended ? this.#syncedAt : Infinity;
  }

  #batchFrom({ segment, offset }: Position): { batch: LoggedBatch; bytes: Buffer } | undefined {
    return this.#withSegment(segment, (fd) => {
      const end = Math.min(this.#readableEnd(segment), sizeOf(fd));
      for (let length = 2 * READ_BYTES; ; length *= 4) {
        const bytes = readRange(fd, offset, Math.min(offset + length, end));
        const batch = findBatch(bytes, offset, offset);
        if (batch) return { batch, bytes: bytes.subarray(batch.body - offset, batch.next - offset) };
        if (offset + length >= end) return undefined;
      }
    });
  }

  #batchesOf(segment: string, upTo = this.#readableEnd(segment)): { batch: LoggedBatch; bytes: Buffer }[] {
    const all = this.#withSegment(segment, (fd) => readRange(fd, 0, Math.min(upTo, sizeOf(fd)))) ?? Buffer.alloc(0);
    const found = [];
    for (let batch = findBatch(all, 0, 0); batch; batch = findBatch(all, 0, batch.next)) {
      found.push({ batch, bytes: all.subarray(batch.body, batch.next) });
      if (batch.end) break;
    }
    return found;
  }

  /** A segment that another process dropped meanwhile counts as empty. */
  #withSegment<T>(segment: string, work: (fd: number) => T): T | undefined {
    if (this.#fd !== undefined && segment === this.#segments.at(-1)) return work(this.#fd);
    try {
      return withFile(join(this.#dir, segment + ENDING), READ, work);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw error;
    }
  }
}

function eventsOf(batch: LoggedBatch, bytes: Buffer): MailEvent[] {
  return parseFrames(bytes.toString('utf8'), batch.ms);
}
