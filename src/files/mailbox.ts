import { closeSync, constants, fchmodSync, fstatSync, openSync, rmSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { MailboxError, isErrno } from '../mailbox-error.ts';
import { ROOM_PREFIX } from '../mailbox-name.ts';
import type { Appended, Batch, MailEvent, Message } from '../mailbox-store.ts';
import { keyOf, messageData, scopedKey } from '../message-data.ts';
import { DeliveredLog, type Draft, type LogOptions } from './delivered-log.ts';
import {
  APPEND_OR_CREATE,
  FILE_MODE,
  READ,
  SyncError,
  appendWhole,
  isAccessible,
  statIfThere,
  sync,
  syncDirectory,
  withFile,
  writeError,
  writing,
} from './disk.ts';
import { frame } from './event-frame.ts';
import { compareIds, idTime, laterId, nextOwnId } from './event-id.ts';
import { GROUP_FILE_MODE } from './group-access.ts';
import { MailboxLock } from './lock.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import { Marks } from './marks.ts';
import { TakenMail, type TakenMailOptions } from './taken-mail.ts';
import { statMailbox, takeMailbox, unusable, type Take } from './takes.ts';
import { WaitingMail, ownEventsIn } from './waiting-mail.ts';

export interface MailboxOptions extends LogOptions, TakenMailOptions {
  /** More mail than this may not wait in the mailbox file. */
  readonly maxWaiting: number;
  readonly maxWaitingBytes: number;
  /** Whether mailbox files that are made here may be written by their group. */
  readonly groupWritable: boolean;
  /** Counts one more mailbox that was not there before; false when there are too many. */
  readonly mayMake: () => boolean;
  /** Another mailbox file stands at the path than the last time we looked, whoever put it there. */
  readonly onReplaced: (file: string) => void;
  /** A write could not be made durable: nothing may be accepted any more. */
  readonly onSyncError: (error: SyncError) => void;
}

interface Append {
  readonly message: Message;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** What becomes of one append in a batch: an event of its own, or the one with this id, that its key made before. */
interface Outcome {
  readonly append: Append;
  readonly id: string;
  readonly event?: MailEvent;
}

type AppendDraft = Draft & { readonly outcomes: readonly Outcome[] };

const MAX_BATCH = 256;
const MAX_BATCH_CHARS = 64 * 1024;
const MAX_ATTEMPTS = 5;
const MAX_REST_MS = 1000;
/** The pause after a take is takes² / 40,000 ms, at most 1 s: 6 ms with 500 takes, 100 ms with 2,000. */
const REST_SCALE = 40_000;
const HISTORY_BYTES = 1024 * 1024;

/**
 * One mailbox: the file that mail comes in, the takes it leaves by, the log it ends in, and the marks. What changes
 * files runs in turns, one after the other; the lock keeps other processes at peace meanwhile.
 */
export class Mailbox {
  readonly log: DeliveredLog;
  readonly taken: TakenMail;
  /** When the store last used it, and last looked for old mail in it, in ms of a clock that only rises. */
  usedMs = 0;
  retainedMs = 0;
  readonly #paths: MailboxPaths;
  readonly #options: MailboxOptions;
  // Made when they are first needed: a mailbox that is only listened to needs none of these.
  #madeLock: MailboxLock | undefined;
  #madeMarks: Marks | undefined;
  #waiting: WaitingMail | undefined;
  readonly #bells = new Set<() => void>();
  #appends: Append[] = [];
  #appending = false;
  #turn: Promise<unknown> = Promise.resolve();
  #turns = 0;
  /** The mailbox file when we last looked: while it is the same, nobody has taken it. */
  #ino: number | undefined;
  #looked = false;
  #hinted = false;
  #ringAfter = '';
  #rest: NodeJS.Timeout | undefined;
  #hintedAtRest = false;

  constructor(paths: MailboxPaths, options: MailboxOptions) {
    this.#paths = paths;
    this.#options = options;
    // Each batch rings: a long backlog is on its way while the rest is still read.
    this.log = new DeliveredLog(paths, options, () => this.#ringIfGrown());
    this.taken = new TakenMail(paths, options, this.log);
  }

  get #lock(): MailboxLock {
    return (this.#madeLock ??= new MailboxLock(this.#paths.lock, this.#options.logger));
  }

  get marks(): Marks {
    return (this.#madeMarks ??= new Marks(this.#paths.marks));
  }

  get isWatched(): boolean {
    return this.#bells.size > 0;
  }

  /** Nothing under way, nobody listening, nothing left to tidy: may be forgotten in memory. */
  get isIdle(): boolean {
    return this.#turns === 0 && this.#bells.size === 0 && this.#appends.length === 0 && this.taken.isEmpty;
  }

  append(message: Message): Promise<Appended> {
    return new Promise((resolve, reject) => {
      this.#appends.push({ message, resolve, reject });
      if (!this.#appending) void this.#appendAll();
    });
  }

  /** All that wait when it comes to the write go together, in one write and one sync; who comes later, in the next. */
  async #appendAll(): Promise<void> {
    this.#appending = true;
    while (this.#appends.length > 0) {
      await this.#inTurn(async () => {
        const batch: Append[] = [];
        try {
          // Then the mail need not wait in the file; should we be mistaken, it waits in the log as well.
          if (this.isWatched) await this.#appendToLog(batch);
          else await this.#appendToFile(batch);
        } catch (error) {
          this.#closeBatch(batch); // the write may not have begun
          for (const { reject } of batch) reject(error);
          this.#report(error);
        }
      });
    }
    this.#appending = false;
  }

  /** Takes what is queued now; does nothing on a retry. */
  #closeBatch(batch: Append[]): void {
    if (batch.length > 0) return;
    let chars = 0;
    const cut = this.#appends.findIndex(
      ({ message }, i) => i >= MAX_BATCH || (chars += message.message.length) > MAX_BATCH_CHARS,
    );
    batch.push(...this.#appends.splice(0, cut === -1 ? this.#appends.length : Math.max(1, cut)));
  }

  /** The receiver listens: what waits goes first, then the batch, straight into the log. */
  async #appendToLog(batch: Append[]): Promise<void> {
    await this.#collect();
    let outcomes: readonly Outcome[] = [];
    await this.log.commit(() => {
      this.#closeBatch(batch);
      const draft = this.#draft(batch);
      outcomes = draft.outcomes;
      return draft.events.length > 0 ? draft : undefined;
    });
    this.#settle(outcomes, (id) => [this.log.reader.find(id)]);
  }

  /** The receiver is away: the batch waits in the mailbox file. */
  async #appendToFile(batch: Append[]): Promise<void> {
    await this.#lock.run(async () => {
      for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) if (await this.#appendedToFile(batch)) return;
      throw new MailboxError('MAILBOX_BUSY', 'The mailbox was replaced again and again while we wrote. Send again.');
    });
  }

  async #appendedToFile(batch: Append[]): Promise<boolean> {
    const before = statMailbox(this.#paths.file, this.#paths.takes);
    if (!this.#looked || before?.ino !== this.#ino) await this.#logTaken(before?.ino);
    else await this.log.catchUp();

    if (!before && !this.log.exists && !this.#options.mayMake()) {
      throw new MailboxError(
        'MAILBOX_FULL',
        'Too many new mailboxes were made. Write to one that exists, or ask who runs this.',
      );
    }
    if (before && !this.#mayWrite()) {
      this.#replace(before); // made by another user: what is in it is read, and a file of ours takes its place
      return false;
    }
    return this.#options.slots.run(() => this.#writeToFile(batch, before?.ino));
  }

  async #writeToFile(batch: Append[], inoBefore: number | undefined): Promise<boolean> {
    this.#closeBatch(batch);
    const waiting = (this.#waiting ??= new WaitingMail());
    const fd = this.#openMailbox();
    try {
      if (inoBefore === undefined) this.#admitGroup(fd);
      const stat = fstatSync(fd);
      if (!stat.isFile() || stat.nlink !== 1) throw unusable(this.#paths.file);
      waiting.readOn(fd, stat, this.log.now);
      const { outcomes, events } = this.#draft(batch, waiting);
      if (events.length > 0) {
        this.#checkRoom(stat.size, waiting.count + events.length);
        appendWhole(fd, Buffer.from(events.map(frame).join('')));
      }
      await sync(fd);
      if (inoBefore === undefined) syncDirectory(dirname(this.#paths.file));

      const after = fstatSync(fd);
      if (after.nlink === 0) return false; // removed under our hands: out of reach, so once more
      this.#ino = after.ino;
      if (inoBefore !== after.ino) this.#looked = false; // taken meanwhile: look for the take next time
      waiting.readOn(fd, after, this.log.now);
      this.#settle(outcomes, (id) => [
        ...ownEventsIn(fd, after.size, after.size, this.log.now),
        this.log.reader.find(id),
      ]);
      return true;
    } finally {
      closeSync(fd);
    }
  }

  /** Lets programs under another user append, a PHP page for one. */
  #admitGroup(fd: number): void {
    if (this.#options.groupWritable) fchmodSync(fd, GROUP_FILE_MODE);
  }

  /** If the group cannot write this file, we replace it, unless we cannot even read it. */
  #mayWrite(): boolean {
    if (!this.#options.groupWritable) return true;
    return isAccessible(this.#paths.file, constants.W_OK) || !isAccessible(this.#paths.file, constants.R_OK);
  }

  #openMailbox(): number {
    try {
      return openSync(this.#paths.file, APPEND_OR_CREATE, FILE_MODE);
    } catch (error) {
      if (isErrno(error, 'ELOOP', 'ENXIO', 'EISDIR', 'ENODEV', 'EACCES', 'EPERM'))
        throw unusable(this.#paths.file, error);
      throw writeError(error);
    }
  }

  #checkRoom(bytes: number, count: number): void {
    const { maxWaiting, maxWaitingBytes } = this.#options;
    if (count <= maxWaiting && bytes <= maxWaitingBytes) return;
    throw new MailboxError(
      'MAILBOX_FULL',
      `This mailbox is full: ${maxWaiting} messages or ${maxWaitingBytes} bytes wait in it already. Send again when it has been read.`,
    );
  }

  /** Gives every new message the next id; a key that was used before keeps its first event. */
  #draft(batch: readonly Append[], waiting?: WaitingMail): AppendDraft {
    const now = this.#options.now();
    const keyed = new Map<string, string>();
    const outcomes: Outcome[] = [];
    const events: MailEvent[] = [];
    let last = waiting ? laterId(this.log.last, waiting.last) : this.log.last;
    for (const append of batch) {
      const key = scopedKey(append.message);
      const earlierId = keyed.get(key) ?? waiting?.keys.get(key, now) ?? this.log.keys.get(key, now);
      if (earlierId !== undefined) {
        outcomes.push({ append, id: earlierId });
        continue;
      }
      last = nextOwnId(last, now);
      const event = { id: last, time: idTime(last), data: messageData(append.message, now) };
      events.push(event);
      keyed.set(key, last);
      outcomes.push({ append, id: last, event });
    }
    return { outcomes, events, keyed, ranges: [] };
  }

  /** `candidates` are events among which is the one with this id, if it is kept. */
  #settle(outcomes: readonly Outcome[], candidates: (id: string) => readonly (MailEvent | undefined)[]): void {
    for (const { append, id, event: made } of outcomes) {
      const { message, resolve, reject } = append;
      if (made) {
        resolve({ event: made, repeated: false });
        continue;
      }
      // Two processes that both thought they held the lock may have given one id twice: sender and key tell.
      const key = scopedKey(message);
      const earlier = candidates(id).find((event) => event?.id === id && keyOf(event.data) === key);
      if (earlier && JSON.parse(earlier.data).message !== message.message) {
        const why = 'This key was used for another message. Use a new key for a new message.';
        reject(new MailboxError('KEY_REUSED', why));
        continue;
      }
      // The event itself is no longer kept: its id and the text that was sent again say the same.
      const event = earlier ?? { id, time: idTime(id), data: messageData(message, idTime(id)) };
      resolve({ event, repeated: true });
    }
  }

  /**
   * Brings everything that waits into the log, whoever wrote it. A mailbox that cannot be drained now still has a log to
   * read: the next look tries again.
   */
  async #look(): Promise<void> {
    try {
      await this.#inTurn(async () => {
        this.#hinted = false;
        await this.#collect();
        await this.log.catchUp();
        this.#ringIfGrown();
      });
    } catch (error) {
      this.#report(error);
    }
  }

  /** Whether a look would find something: a few `stat` calls. */
  needsLook(): boolean {
    const stat = statIfThere(this.#paths.file);
    return (stat?.size ?? 0) > 0 || stat?.ino !== this.#ino || this.taken.needsLook() || this.log.hasGrown();
  }

  async #collect(): Promise<void> {
    let stat = statMailbox(this.#paths.file, this.#paths.takes);
    if (!stat && this.isWatched && (this.log.exists || this.#options.mayMake())) stat = this.#makeMailbox();
    if (stat && stat.size > 0) {
      await this.#lock.run(() => {
        const found = statMailbox(this.#paths.file, this.#paths.takes);
        if (found && found.size > 0) this.#replace(found);
      });
      stat = statMailbox(this.#paths.file, this.#paths.takes);
    }
    if (stat?.ino !== this.#ino) this.#options.onReplaced(this.#paths.file);
    if (!this.#looked || stat?.ino !== this.#ino || this.taken.needsLook()) await this.#logTaken(stat?.ino);
  }

  #replace({ mode, uid, gid }: Stats): void {
    const bits = this.#options.groupWritable ? GROUP_FILE_MODE : 0;
    writing(() => takeMailbox(this.#paths.file, this.#paths.takes, { mode: mode | bits, uid, gid }));
    this.#restAfterTake();
  }

  #makeMailbox(): ReturnType<typeof statMailbox> {
    try {
      withFile(this.#paths.file, APPEND_OR_CREATE | constants.O_EXCL, (fd) => this.#admitGroup(fd));
    } catch (error) {
      if (!isErrno(error, 'EEXIST')) throw writeError(error);
    }
    return statMailbox(this.#paths.file, this.#paths.takes);
  }

  /** Takes are looked for after the mailbox: who takes it from now on changes its inode. */
  async #logTaken(ino: number | undefined): Promise<void> {
    this.taken.list();
    await this.log.catchUp();
    await this.taken.log();
    this.#ino = ino;
    this.#looked = true;
  }

  /** Brings what has been taken into the log; leaves the mailbox alone. */
  tidy(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#logTaken(statIfThere(this.#paths.file)?.ino);
      this.#ringIfGrown();
    });
  }

  retire(takes: readonly Take[]): Promise<void> {
    return this.#inTurn(async () => {
      await this.log.catchUp();
      await this.taken.retire(takes);
      this.#ringIfGrown();
    });
  }

  async read(after: string | undefined, limit: number): Promise<Batch> {
    if (!this.isWatched) await this.#look();
    return this.log.read(after ?? this.marks.read()['delivered'] ?? this.log.oldest, limit);
  }

  async ends(): Promise<{ oldest: string; newest: string }> {
    await this.#inTurn(() => this.log.catchUp());
    return { oldest: this.log.oldest, newest: this.log.newest };
  }

  /** Newest first: what waits in the mailbox (it has no id of the log yet, unless it is ours), then the log. */
  async readBack(before: string | undefined, limit: number): Promise<{ events: MailEvent[]; more?: string }> {
    await this.#inTurn(() => this.log.catchUp());
    const { waiting, isOldest } = this.#ownWaiting(before);
    if (waiting.length >= limit || !isOldest) {
      const events = waiting.slice(0, limit);
      return { events, more: events.at(-1)!.id };
    }
    const logged = this.log.reader.readBack(before, limit - waiting.length);
    return { ...logged, events: [...waiting, ...logged.events] };
  }

  /** From the end of the file backwards, as far as there is any. Stretches overlap: in one of two each event is whole. */
  #ownWaiting(before: string | undefined): { waiting: MailEvent[]; isOldest: boolean } {
    const stat = statIfThere(this.#paths.file);
    for (let end = stat?.isFile() ? stat.size : 0; end > 0; end -= HISTORY_BYTES) {
      const events = withFile(this.#paths.file, READ, (fd) => ownEventsIn(fd, end, 2 * HISTORY_BYTES, this.log.now));
      const waiting = events
        .filter(({ id }) => compareIds(id, this.log.newest) > 0 && (before === undefined || compareIds(id, before) < 0))
        .toReversed();
      if (waiting.length > 0) return { waiting, isOldest: end <= 2 * HISTORY_BYTES };
    }
    return { waiting: [], isOldest: true };
  }

  /** Listening begins with a look, so that what waits is on its way when this resolves. */
  async watch(ring: () => void): Promise<() => void> {
    const bell = (): void => ring();
    this.#bells.add(bell);
    await this.#look();
    return () => this.#bells.delete(bell);
  }

  /** Somebody may have written: look now, or after the rest. */
  hint(): void {
    if (this.#hinted) return;
    this.#hintedAtRest = this.#rest !== undefined;
    if (this.#hintedAtRest) return;
    this.#hinted = true;
    void this.#look();
  }

  /**
   * The more takes must be kept, here and in other mailboxes, the longer mail gathers for the next: they stay few and
   * cheap. Nobody waits for it but who has just written to this very mailbox.
   */
  #restAfterTake(): void {
    const restMs = Math.min(this.#options.kept.count ** 2 / REST_SCALE, MAX_REST_MS);
    if (restMs < 1) return;
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      if (this.#hintedAtRest) this.hint();
    }, restMs).unref();
  }

  ring(): void {
    for (const bell of this.#bells) bell();
  }

  #ringIfGrown(): void {
    if (this.log.newest === this.#ringAfter) return;
    this.#ringAfter = this.log.newest;
    this.ring();
  }

  writeMarks(wait: 'wait' | 'briefly'): Promise<void> {
    return this.#inTurn(() => this.#lock.run(() => this.marks.write(), wait));
  }

  /** Drops what is older than is kept, as far as the mark has passed it; a room has no marks. */
  retain(): Promise<void> {
    const isRoom = this.#paths.name.startsWith(ROOM_PREFIX);
    const mark = (): string => (isRoom ? this.log.newest : (this.marks.read()['delivered'] ?? this.log.oldest));
    return this.#inTurn(() => this.log.retain(mark()));
  }

  /** Leaves nothing of it behind, its lock included. */
  forget(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#lock.run(() => {
        rmSync(this.#paths.file, { force: true });
        rmSync(this.#paths.takes, { recursive: true, force: true });
        rmSync(this.#paths.torn, { recursive: true, force: true });
        this.log.close();
        rmSync(this.#paths.log, { recursive: true, force: true });
        rmSync(this.#paths.marks, { force: true });
        this.#madeMarks = undefined;
        this.#looked = false;
        this.#ino = undefined;
        this.taken.list();
      });
      await this.#lock.letGo();
    });
  }

  /** Ends when everything begun has ended. */
  async close(): Promise<void> {
    clearTimeout(this.#rest);
    while (this.#appends.length > 0 || this.#turns > 0) await this.#turn;
    await this.#lock.letGo();
    this.log.close();
  }

  #inTurn<T>(work: () => T | Promise<T>): Promise<T> {
    this.#turns += 1;
    const turn = this.#turn.then(work).finally(() => (this.#turns -= 1));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  #report(error: unknown): void {
    if (error instanceof SyncError) this.#options.onSyncError(error);
    else this.#options.logger.warn({ err: error, mailbox: this.#paths.file }, 'the mailbox could not be used');
  }
}
