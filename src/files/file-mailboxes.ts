import { accessSync, constants, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { silent, type Logger } from '../logger.ts';
import { MailboxError } from '../mailbox-error.ts';
import { isMailboxName, mailboxName, type MailboxName } from '../mailbox-name.ts';
import type { Appended, Batch, MailEvent, MailboxStore, MarkName, Message, StoreFigures } from '../mailbox-store.ts';
import { CommitSlots } from './commit-slots.ts';
import { makeDirectory, namesIn, refuseWhenFull, SyncError } from './disk.ts';
import { compareIds, isEventId } from './event-id.ts';
import { FileInspector } from './file-inspector.ts';
import { LAYOUT_FILE, claimLayout, refuseVersionOne } from './layout.ts';
import { removeDeadLocks } from './lock.ts';
import { Mailbox, type MailboxOptions } from './mailbox.ts';
import { DELIVERED, LIVE, LOCKS, MailboxPaths, TAKEN } from './mailbox-paths.ts';
import { MailboxWatcher } from './mailbox-watcher.ts';
import { admitGroup } from './group-access.ts';
import { openAmong } from './open-files.ts';
import { Rounds } from '../rounds.ts';

export interface FileMailboxesOptions {
  readonly logger?: Logger;
  /** Called once when a write could not be made durable: from then on everything is refused. */
  readonly onFatal?: (error: Error) => void;
  /** Whether files are watched; without, foreign mail is found within a second. Default true. */
  readonly watch?: boolean;
  /** Watch by polling, for network file systems. Default false. */
  readonly usePolling?: boolean;
  /** A log is cut into segments of about so many bytes. Default 1 MiB. */
  readonly segmentBytes?: number;
  /** How long received mail is kept, in ms. Default 365 days. */
  readonly keepMs?: number;
  /** How much received mail is kept per mailbox, in bytes. Default 1 GiB. */
  readonly keepBytes?: number;
  /** How much mail may wait in one mailbox. Default 200,000 messages. */
  readonly maxWaiting?: number;
  /** The same in bytes. Default 256 MiB. */
  readonly maxWaitingBytes?: number;
  /** How many mailboxes may be made, from this start on. Those that exist do not count. Default 1,000. */
  readonly maxNewMailboxes?: number;
  /** Whether the directory's group may append to mailboxes: for programs under another user. Default false. */
  readonly groupWritable?: boolean;
  /** How long an idle take is kept where it cannot be told who has it open, in ms. Default 10 minutes. */
  readonly takeKeepMs?: number;
  /** Unix milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Milliseconds of a clock that only rises. Default `performance.now`. */
  readonly uptimeMs?: () => number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const SWEEP_MS = 1000;
const TICK_MS = 100;
const RETIRE_MS = 3000;
/** Takes removed in one turn of their mailbox: about a millisecond. */
const RETIRE_MOST = 16;
const FORGET_IDLE_MS = 60_000;
const MARKS_WRITE_MS = 200;
const MARKS_RETRY_MS = 1000;
const RETAIN_MS = 60_000;
const RETAIN_ALL_MS = 60 * 60_000;
/** Mailboxes a tick: two stat calls each, so that a sweep costs 2 % of a core at most. */
const SWEEP_MOST = 300;
/** More than Node's four threads, so that none of them has to wait for us; fewer than there may be busy mailboxes. */
const COMMIT_SLOTS = 12;

/** Mailboxes as plain text files in one directory, shared with any other program that appends to them. */
export class FileMailboxes implements MailboxStore {
  readonly inspector: FileInspector;
  readonly #dir: string;
  readonly #options: MailboxOptions;
  readonly #takeKeepMs: number;
  readonly #onFatal: ((error: Error) => void) | undefined;
  readonly #watcher: MailboxWatcher | undefined;
  readonly #sweeper: NodeJS.Timeout;
  readonly #boxes = new Map<MailboxName, Mailbox>();
  readonly #sweep = new Rounds(this.#boxes, TICK_MS, SWEEP_MS, SWEEP_MOST);
  #resting: MailboxName[] = [];
  #restingMs = 0;
  readonly #withUnwrittenMarks = new Set<Mailbox>();
  readonly #recovered: Promise<void>;
  #foundInFiles = 0;
  #marksTimer: NodeJS.Timeout | undefined;
  #retiring = false;
  #retiredMs = 0;
  #failure: Error | undefined;
  #made = 0;
  #closed = false;

  /** Makes the directory if need be. Throws the system's error when it cannot be made or written, UNKNOWN_LAYOUT when another version made it. */
  constructor(dir: string, options: FileMailboxesOptions = {}) {
    makeDirectory(dir);
    this.#dir = realpathSync(dir);
    accessSync(this.#dir, constants.R_OK | constants.W_OK | constants.X_OK);
    refuseVersionOne(this.#dir);
    claimLayout(this.#dir);
    if (options.groupWritable) admitGroup(this.#dir);
    makeDirectory(join(this.#dir, LOCKS));
    rmSync(join(this.#dir, LIVE), { recursive: true, force: true }); // version 1 had notices there

    const logger = options.logger ?? silent;
    this.#onFatal = options.onFatal;
    this.#takeKeepMs = options.takeKeepMs ?? 10 * 60 * 1000;
    const maxNewMailboxes = options.maxNewMailboxes ?? 1000;
    this.#options = {
      segmentBytes: options.segmentBytes ?? 1024 * 1024,
      keepMs: options.keepMs ?? 365 * DAY_MS,
      keepBytes: options.keepBytes ?? 1024 ** 3,
      maxWaiting: options.maxWaiting ?? 200_000,
      groupWritable: options.groupWritable ?? false,
      maxWaitingBytes: options.maxWaitingBytes ?? 256 * 1024 * 1024,
      now: options.now ?? Date.now,
      uptimeMs: options.uptimeMs ?? (() => performance.now()),
      slots: new CommitSlots(COMMIT_SLOTS),
      kept: { count: 0 },
      logger,
      mayMake: () => {
        if (this.#made >= maxNewMailboxes) return false;
        this.#made += 1;
        return true;
      },
      onReplaced: (file) => this.#watcher?.rewatch(file),
      onForeign: (events) => (this.#foundInFiles += events),
      onSyncError: (error) => this.#fail(error),
    };
    if (options.watch !== false) {
      const anchor = join(this.#dir, LAYOUT_FILE);
      this.#watcher = new MailboxWatcher(logger, { anchor, usePolling: options.usePolling ?? false });
    }
    this.inspector = new FileInspector(this.#dir);
    this.#recovered = this.#recover();
    this.#sweeper = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  async append(mailbox: MailboxName, message: Message): Promise<Appended> {
    return this.#box(mailbox).append(message);
  }

  async drain(mailbox: MailboxName): Promise<void> {
    await this.read(mailbox, undefined, 1);
  }

  async read(mailbox: MailboxName, after?: string, limit = 1000): Promise<Batch> {
    return this.#box(mailbox).read(after, limit);
  }

  async readBack(mailbox: MailboxName, before?: string, limit = 50): Promise<{ events: MailEvent[]; more?: string }> {
    return this.#box(mailbox).readBack(before, limit);
  }

  isId(text: string): boolean {
    return isEventId(text);
  }

  compare(a: string, b: string): number {
    return compareIds(a, b);
  }

  async ends(mailbox: MailboxName): Promise<{ oldest: string; newest: string }> {
    return this.#box(mailbox).ends();
  }

  // eslint-disable-next-line typescript/require-await -- the seam is asynchronous, this store answers at once
  async mark(mailbox: MailboxName, name: MarkName, id: string): Promise<void> {
    const box = this.#box(mailbox);
    if (!box.marks.move(name, id)) return;
    this.#withUnwrittenMarks.add(box);
    this.#writeMarksIn(MARKS_WRITE_MS);
    box.ring();
  }

  // eslint-disable-next-line typescript/require-await -- as above
  async marks(mailbox: MailboxName): Promise<Readonly<Record<string, string>>> {
    return this.#box(mailbox).marks.read();
  }

  async watch(mailbox: MailboxName, ring: () => void): Promise<() => void> {
    const box = this.#box(mailbox);
    const wasWatched = box.isWatched;
    const unwatch = await box.watch(ring);
    const { file } = new MailboxPaths(this.#dir, mailbox);
    if (!wasWatched) this.#watcher?.watch(file, () => box.hint());
    return () => {
      unwatch();
      if (!box.isWatched) this.#watcher?.unwatch(file);
    };
  }

  async forget(mailbox: MailboxName): Promise<void> {
    await this.#box(mailbox).forget();
  }

  async ready(): Promise<void> {
    this.#check();
    await this.#recovered;
    accessSync(this.#dir, constants.W_OK | constants.X_OK);
    refuseWhenFull(this.#dir);
  }

  get figures(): StoreFigures {
    return { foundInFiles: this.#foundInFiles, watchErrors: this.#watcher?.errors ?? 0 };
  }

  /** Ends when everything begun has ended and the marks are written; closing twice is harmless. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#sweeper);
    clearTimeout(this.#marksTimer);
    await this.#recovered;
    await this.#watcher?.close();
    await this.#writeMarks('briefly'); // without them, mail is at worst delivered again to who has no cursor
    await Promise.all(Array.from(this.#boxes.values(), (box) => box.close()));
    this.#boxes.clear();
  }

  #warn(error: unknown, what: string): void {
    if (error instanceof SyncError) this.#fail(error);
    this.#options.logger.warn({ err: error }, what);
  }

  #box(mailbox: MailboxName): Mailbox {
    this.#check();
    const box = this.#boxes.get(mailbox) ?? new Mailbox(new MailboxPaths(this.#dir, mailbox), this.#options);
    this.#boxes.set(mailbox, box);
    box.usedMs = this.#options.uptimeMs();
    return box;
  }

  #check(): void {
    if (this.#closed) throw new MailboxError('CLOSED', 'The mailboxes are closed: the server is shutting down.');
    if (this.#failure) {
      throw new MailboxError('STORE_FAILED', 'The disk failed: nothing is accepted until the server is restarted.', {
        cause: this.#failure,
      });
    }
  }

  #fail(error: SyncError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#options.logger.error({ err: error }, 'a write could not be made durable: nothing is accepted any more');
    this.#onFatal?.(error);
  }

  /** Takes that a process which died has left go into their logs; its locks go. */
  async #recover(): Promise<void> {
    removeDeadLocks(join(this.#dir, LOCKS));
    for (const name of namesIn(join(this.#dir, TAKEN))) {
      try {
        await this.#box(mailboxName(name)).tidy();
      } catch (error) {
        this.#options.logger.warn({ err: error, mailbox: name }, 'what was on its way into the log could not be read');
      }
    }
  }

  #tick(): void {
    const nowMs = this.#options.uptimeMs();
    if (!this.#retiring && nowMs - this.#retiredMs >= RETIRE_MS) void this.#retireTakes();
    this.#retainResting(nowMs);
    this.#sweep.tick((name) => this.#visit(name, this.#boxes.get(name)!, nowMs));
  }

  /** Mail that nobody asks for grows old, too: one log at a time, all of them about once an hour. */
  #retainResting(nowMs: number): void {
    if (this.#failure) return;
    try {
      if (this.#resting.length === 0 && nowMs >= this.#restingMs) {
        this.#restingMs = nowMs + RETAIN_ALL_MS;
        this.#resting = namesIn(join(this.#dir, DELIVERED)).filter(isMailboxName);
      }
      const name = this.#resting.pop();
      if (name === undefined || this.#boxes.has(name)) return;
      const box = this.#box(name);
      if (box.log.mayRetain()) this.#retain(box);
      else this.#boxes.delete(name);
    } catch (error) {
      this.#warn(error, 'old mail could not be looked for');
    }
  }

  #retain(box: Mailbox): void {
    box.retain().catch((error: unknown) => this.#warn(error, 'old mail could not be dropped'));
  }

  /** The promise behind the watcher's hints: every second each mailbox that matters is looked at. */
  #visit(name: MailboxName, box: Mailbox, nowMs: number): void {
    if (box.log.mayHaveOld && nowMs - box.retainedMs > RETAIN_MS) {
      box.retainedMs = nowMs;
      this.#retain(box);
    }
    box.log.dropRecentIfIdle();
    if (box.isWatched) {
      if (box.needsLook()) box.hint();
    } else if (box.taken.needsLook()) {
      box.tidy().catch((error: unknown) => this.#warn(error, 'a take could not be read'));
    } else if (box.isIdle && nowMs - box.usedMs > FORGET_IDLE_MS && !this.#withUnwrittenMarks.has(box)) {
      this.#boxes.delete(name);
      void box.close();
    }
  }

  /** One look at the open files of all processes serves every take that might go. */
  async #retireTakes(): Promise<void> {
    this.#retiring = true;
    try {
      const quiet = Array.from(this.#boxes.values(), (box) => ({ box, takes: box.taken.quiet() }));
      const paths = quiet.flatMap(({ takes }) => takes.map(({ path }) => path));
      if (paths.length === 0) return;
      const open = await openAmong(new Set(paths));
      for (const { box, takes } of quiet) {
        const over = open ? takes.filter(({ path }) => !open.has(path)) : box.taken.quiet(this.#takeKeepMs);
        for (let from = 0; from < over.length; from += RETIRE_MOST) {
          await box.retire(over.slice(from, from + RETIRE_MOST));
          await setImmediate(); // what came meanwhile goes first
        }
      }
    } catch (error) {
      this.#warn(error, 'a take could not be removed');
    } finally {
      this.#retiring = false;
      this.#retiredMs = this.#options.uptimeMs();
    }
  }

  /** All at once: behind a dead server's locks, one after the other would take longer than a server has to end. */
  async #writeMarks(wait: 'wait' | 'briefly'): Promise<void> {
    this.#marksTimer = undefined;
    const boxes = [...this.#withUnwrittenMarks];
    this.#withUnwrittenMarks.clear();
    const writing = boxes.map((box) =>
      box.writeMarks(wait).catch((error: unknown) => {
        this.#warn(error, 'a mark could not be written: it is tried again');
        this.#withUnwrittenMarks.add(box);
      }),
    );
    await Promise.all(writing);
    if (this.#withUnwrittenMarks.size > 0) this.#writeMarksIn(MARKS_RETRY_MS);
  }

  #writeMarksIn(ms: number): void {
    if (this.#closed) return;
    this.#marksTimer ??= setTimeout(() => void this.#writeMarks('wait'), ms).unref();
  }
}
