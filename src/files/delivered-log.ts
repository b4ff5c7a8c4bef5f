import { closeSync, fstatSync, openSync, rmSync } from 'node:fs';
import { MailboxError } from '../mailbox-error.ts';
import type { Batch, MailEvent } from '../mailbox-store.ts';
import { keyOf } from '../message-data.ts';
import type { CommitSlots } from './commit-slots.ts';
import { APPEND, appendWhole, readRange, sizeOf, statIfThere, sync, syncNow, writeError } from './disk.ts';
import { frame } from './event-frame.ts';
import { FIRST_ID, compareIds, idTime, laterId } from './event-id.ts';
import { encodeBatch, type LoggedBatch, type TakeRange } from './log-batch.ts';
import { LogReader, type ReadableLog } from './log-reader.ts';
import { LogSegments, batchesIn, eventsOf, type ReadBatch } from './log-segments.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import { RecentEvents } from './recent-events.ts';
import { RecentKeys } from './recent-keys.ts';

export interface LogOptions {
  /** A segment is closed when it has reached so many bytes. */
  readonly segmentBytes: number;
  /** Segments whose newest event is older are dropped, once the mark has passed them. */
  readonly keepMs: number;
  /** The oldest segments are dropped while there are more bytes than this, once the mark has passed them. */
  readonly keepBytes: number;
  readonly now: () => number;
  /** Shared by the logs of one disk. */
  readonly slots: CommitSlots;
}

/** What to log in one batch: its events, and the bytes of takes that they were made from. */
export interface Draft {
  readonly events: readonly MailEvent[];
  readonly ranges: readonly TakeRange[];
  /** The ids of those that a key made, by `scopedKey`. */
  readonly keyed: ReadonlyMap<string, string>;
}

const LF = 10;
const MAX_ATTEMPTS = 1000;
/** How far back keys are looked for after a start, beyond the last two minutes. */
const KEYS_READ_BYTES = 64 * 1024 * 1024;
/** A segment is closed after a twelfth of the time that mail is kept: what is dropped with it is little older than it must be. */
const AGES = 12;
const KEYS_OUTLIVE_MS = 2 * 60 * 1000;
const NOTHING: Draft = { events: [], ranges: [], keyed: new Map() };

/**
 * Everything that has left one mailbox, append-only, in segments. Fenced by position (log-batch.ts), so that any
 * number of processes may append and read without a lock. What a reader gets here is on disk: nothing is handed out
 * before its `fdatasync`. `catchUp` and `commit` are for one caller at a time; reading is free at any time.
 */
export class DeliveredLog implements ReadableLog {
  readonly #files: LogSegments;
  #reader: LogReader;
  readonly #options: LogOptions;
  readonly #onLogged: () => void;

  #opened = false;
  #segments: string[] = [];
  /** The newest segment. */
  #fd: number | undefined;
  /** Read so far in it: whole batches up to here. */
  #at = 0;
  /** Its size when we last looked: where a batch that knows everything must come to stand. */
  #size = 0;
  #syncedAt = 0;
  #ended = false;

  #last = FIRST_ID;
  #lastMs = 0;
  /** Of the first batch in the newest segment. */
  #firstMs: number | undefined;
  #synced = FIRST_ID;
  /** How far each take is logged, in bytes. */
  #consumed: Map<string, number> | undefined;
  #keys: RecentKeys | undefined;
  #recent: RecentEvents | undefined;
  #idleSince = '';

  /** `onLogged` is called when something of ours has been logged. */
  constructor(paths: Pick<MailboxPaths, 'log'>, options: LogOptions, onLogged: () => void) {
    this.#files = new LogSegments(paths);
    this.#reader = new LogReader(this.#files, this);
    this.#options = options;
    this.#onLogged = onLogged;
  }

  /** The newest id in the log, whoever wrote it, on disk or not. */
  get last(): string {
    return this.#last;
  }

  /** Unix milliseconds, never before the newest event: a clock that was set back makes no id of ours a forgery. */
  get now(): number {
    return Math.max(this.#options.now(), idTime(this.#last));
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

  /** Whether anything was ever logged. */
  get exists(): boolean {
    this.#open();
    return this.#segments.length > 0;
  }

  /** Whether there is anything that `retain` could drop. */
  get mayHaveOld(): boolean {
    return this.#segments.length > 1 || this.#isAllOld;
  }

  /** Nothing was logged for longer than mail is kept, though the newest segment has some. */
  get #isAllOld(): boolean {
    const newest = this.#segments.at(-1);
    if (newest === undefined || newest === this.#last) return false;
    return this.#options.now() - this.#lastMs > Math.max(this.#options.keepMs, KEYS_OUTLIVE_MS);
  }

  consumed(take: string): number {
    return this.#consumed?.get(take) ?? 0;
  }

  /** The keys of the newest events, on disk or not. */
  get keys(): RecentKeys {
    return (this.#keys ??= this.#readKeys());
  }

  /** Whether another process has written, as far as a `stat` can tell. */
  hasGrown(): boolean {
    if (this.#fd === undefined) return this.#files.list().length > 0;
    const { size, nlink } = fstatSync(this.#fd);
    return this.#ended || nlink === 0 || size !== this.#size;
  }

  /** Reads on to the end of the log: what other processes have written. Makes it durable before anyone relies on it. */
  async catchUp(): Promise<void> {
    this.#readOn();
    await this.#makeDurable();
  }

  /**
   * Logs what `build` drafts, in one write and one `fdatasync`. `build` runs when everything logged so far is known,
   * and again when another process wrote first; without a draft nothing is written. Resolves to the draft that stands.
   */
  commit(build: () => Draft | undefined): Promise<Draft | undefined> {
    return this.#options.slots.run(async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
        this.#readOn();
        const draft = build();
        if (!draft) {
          await this.#makeDurable();
          return undefined;
        }
        if ((await this.#openedNewest()) || this.#endedFull() || !this.#append(draft, false)) continue;
        await this.#makeDurable();
        if (fstatSync(this.#fd!).nlink > 0) {
          this.#onLogged();
          return draft;
        }
        this.close(); // somebody removed the log: what we wrote is out of reach, so write it again
      }
      throw new MailboxError('MAILBOX_BUSY', 'Other programs were always first to write to this log. Send again.');
    });
  }

  /** Events after a cursor, oldest first: about 64 KiB of them, or `limit`; none means that this is the end. */
  read(after: string, limit: number): Batch {
    this.#open();
    if (compareIds(after, this.#synced) >= 0) return { events: [], gap: compareIds(after, this.oldest) < 0 };
    const events = this.#recent?.read(after, this.#synced, limit) ?? this.#reader.read(after, limit);
    const gap = compareIds(after, this.oldest) < 0;
    return { events: gap ? [] : events, gap };
  }

  /** Finds events that were logged earlier: as far as they are on disk, in the order that is asked for. */
  get reader(): LogReader {
    this.#open();
    return this.#reader;
  }

  /** Drops the oldest segments that are past the mark and past age or size; the keys of two minutes stay known. */
  async retain(mark: string): Promise<void> {
    // When all received mail is older than is kept, a new segment begins, so that the last one can be removed, too.
    this.#readOn();
    if (this.#isAllOld && compareIds(this.#last, mark) <= 0) await this.commit(() => NOTHING);
    const now = this.#options.now();
    for (;;) {
      const [oldest, next] = this.#segments;
      if (oldest === undefined || next === undefined || compareIds(next, mark) > 0) return;
      // Its name may be far older than its first batch: foreign mail has the time of the message before it.
      const age = now - (this.#files.batchesFrom(next, 0, Infinity).next().value?.batch.ms ?? now);
      if (age < KEYS_OUTLIVE_MS || (age < this.#options.keepMs && this.#segments.length <= this.#maxSegments)) return;
      rmSync(this.#files.path(oldest), { force: true });
      this.#segments.shift();
    }
  }

  /** Whether `retain` may find something to drop, as far as names and times of files tell. */
  mayRetain(): boolean {
    const names = this.#files.list();
    const [oldest] = names;
    if (oldest === undefined) return false;
    const age = this.#options.now() - (statIfThere(this.#files.path(oldest))?.mtimeMs ?? Infinity);
    return names.length > this.#maxSegments || age > this.#options.keepMs;
  }

  get #maxSegments(): number {
    return Math.ceil(this.#options.keepBytes / this.#options.segmentBytes);
  }

  /** To be called now and then: what nothing was added to since the last call is read from disk from now on. */
  dropRecentIfIdle(): void {
    if (this.#idleSince === this.#last) this.#recent = undefined;
    this.#idleSince = this.#last;
  }

  /** A take that is no more needs no position. */
  forgetTake(take: string): void {
    this.#consumed?.delete(take);
  }

  /** Gives back the file descriptor and what is held in memory; the next call reads the log anew. */
  close(): void {
    this.#leave();
    this.#opened = false;
    this.#segments = [];
    this.#last = FIRST_ID;
    this.#lastMs = 0;
    this.#synced = FIRST_ID;
    this.#consumed = undefined;
    this.#keys = undefined;
    this.#recent = undefined;
    this.#reader = new LogReader(this.#files, this); // the log begins anew
  }

  #open(): void {
    if (this.#opened) return;
    this.#opened = true;
    const names = this.#files.list();
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
    const stat = this.#fd === undefined ? undefined : fstatSync(this.#fd);
    if (stat ? stat.nlink > 0 : this.#files.list().length === 0) {
      this.#scan(stat?.size);
      return;
    }
    this.close(); // removed under us, or made by another process since
    this.#open();
  }

  /** Takes in every whole batch from where we are, segment after segment. `size` of this one, if it is known. */
  #scan(size?: number): void {
    if (this.#fd === undefined) return;
    if (!this.#ended) {
      this.#size = size ?? sizeOf(this.#fd);
      for (const found of batchesIn(readRange(this.#fd, this.#at, this.#size), this.#at)) {
        this.#takeIn(found.batch);
        if (this.#keys) for (const [key, id] of keysIn(found)) this.#keys.set(key, id);
        this.#recent = undefined;
      }
    }
    if (!this.#ended) return;
    const current = this.#segments.at(-1)!;
    const next = this.#files.list().find((name) => compareIds(name, current) > 0);
    if (next !== undefined) this.#follow(next);
  }

  #takeIn(batch: LoggedBatch): void {
    this.#at = batch.next;
    this.#last = laterId(this.#last, batch.last);
    this.#lastMs = Math.max(this.#lastMs, batch.ms);
    this.#firstMs ??= batch.ms;
    this.#ended = batch.end;
    for (const { take, to } of batch.ranges)
      (this.#consumed ??= new Map()).set(take, Math.max(this.consumed(take), to));
  }

  #enter(name: string): void {
    this.#leave();
    this.#fd = openSync(this.#files.path(name), APPEND);
    this.#last = laterId(this.#last, name);
  }

  #leave(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
    this.#at = 0;
    this.#size = 0;
    this.#syncedAt = 0;
    this.#firstMs = undefined;
    this.#ended = false;
  }

  /** Leaves the segment we are in, all of it durable, for the next. */
  #follow(next: string): void {
    this.#makeDurableNow();
    if (this.#segments.at(-1) !== next) this.#segments.push(next);
    this.#enter(next);
    this.#scan();
  }

  #readKeys(): RecentKeys {
    const kept: [key: string, id: string][][] = [];
    let count = 0;
    let bytesRead = 0;
    back: for (const name of this.#segments.toReversed()) {
      for (const found of this.#files.batches(name, Infinity).toReversed()) {
        const after = bytesRead > KEYS_READ_BYTES ? Infinity : count;
        // The last id: foreign mail at the beginning bears the time of the message before it, however long ago.
        if (!RecentKeys.reaches(found.batch.last, after, this.#options.now())) break back;
        const keyed = keysIn(found);
        bytesRead += found.body.length;
        count += keyed.length;
        kept.push(keyed);
      }
    }
    const keys = new RecentKeys();
    for (const [key, id] of kept.toReversed().flat()) keys.set(key, id);
    return keys;
  }

  /** Makes the first or the next segment when there is none to write to; true: look again before writing. */
  async #openedNewest(): Promise<boolean> {
    if (this.#fd !== undefined && !this.#ended) return false;
    const name = this.#last;
    try {
      await this.#files.make(name);
    } catch (error) {
      throw writeError(error);
    }
    this.#follow(name);
    return true;
  }

  /** Closes a full segment; true: look again before writing. An empty one is never closed: the next would get its name. */
  #endedFull(): boolean {
    const isOld = this.#options.now() - (this.#firstMs ?? Infinity) > this.#options.keepMs / AGES;
    if ((this.#at < this.#options.segmentBytes && !isOld) || this.#last === this.#segments.at(-1)) return false;
    this.#makeDurableNow();
    this.#append(NOTHING, true);
    return true;
  }

  /**
   * Appends a batch to the newest segment and takes it in. False when it is not where it says it is: another program
   * appended since our last look.
   */
  #append(draft: Draft, end: boolean): boolean {
    // Behind torn bytes a colon comes first: our line feed could be the very byte that they lack to count.
    const filler = this.#size > this.#at ? ':' : '';
    const start = this.#size + filler.length;
    // One without events is as old as the newest event: the age of a segment is that of its events.
    const ms =
      draft.events.length === 0 && this.#lastMs > 0 ? this.#lastMs : Math.max(this.#options.now(), this.#lastMs);
    const last = draft.events.at(-1)?.id ?? this.#last;
    // The first batch of a segment says how far each take is logged, whoever made the segment: who starts there needs it.
    const carried = this.#at === 0 ? [...(this.#consumed ?? [])].map(([take, to]) => ({ take, from: 0, to })) : [];
    const ranges = [...carried, ...draft.ranges];
    const bytes = encodeBatch(start, { ms, last, ranges, end }, draft.events.map(frame).join(''));
    appendWhole(this.#fd!, filler === '' ? bytes : Buffer.concat([Buffer.from(filler), bytes]));
    const head = bytes.subarray(0, bytes.indexOf(LF, 1) + 1);
    const body = start + head.length;
    if (!readRange(this.#fd!, start, body).equals(head)) return false;

    const before = this.#last;
    this.#size = start + bytes.length;
    this.#takeIn({ start, body, next: this.#size, ms, last, ranges, end });
    for (const [key, id] of draft.keyed) this.#keys?.set(key, id);
    // Foreign mail is dated by its batch: what is read from memory must be what is read from the file later.
    const events = draft.events.map((event) => (event.id.includes('.') ? { ...event, time: ms } : event));
    (this.#recent ??= new RecentEvents()).add(before, events, bytes.length);
    return true;
  }

  async #makeDurable(): Promise<void> {
    if (this.#syncedAt >= this.#at) return;
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

  get segments(): readonly string[] {
    return this.#segments;
  }

  readableEnd(segment: string): number {
    return segment === this.#segments.at(-1) && !this.#ended ? this.#syncedAt : Infinity;
  }

  dropGone(): void {
    const kept = new Set(this.#files.list());
    this.#segments = this.#segments.filter((segment) => kept.has(segment));
  }
}

/** Those of our own events: foreign mail must not push keys out. */
function keysIn(found: ReadBatch): [key: string, id: string][] {
  return eventsOf(found).flatMap(({ id, data }) => {
    const key = keyOf(data);
    return key === undefined ? [] : [[key, id]];
  });
}
