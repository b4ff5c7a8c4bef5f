import type { Appended, Batch, Message } from '../words/mailbox-store.ts';
import { AppendQueue, isFull, writeBatch, type Append } from './appends.ts';
import { Draining } from './draining.ts';
import { compareIds, isForeignId, laterId } from './event-id.ts';
import { forgetFiles } from './forgetting.ts';
import { bringLate, learnLate } from './late-mail.ts';
import type { MailLog } from './mail-log.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import { makeMailbox, readOnForListener } from './making.ts';
import { Marks } from './marks.ts';
import { loadLog, mayHaveMore, readOn } from './read-on.ts';
import type { StoreContext } from './store-context.ts';
import { endTail, take } from './taking.ts';
import { Turns } from '../words/turns.ts';

/**
 * One mailbox: its file, the log that the file becomes, and its marks. Work that may change files runs in turns. All that
 * is in memory can be thrown away and read again.
 */
export class Mailbox {
  readonly paths: MailboxPaths;
  /** How many calls are using it now. */
  users = 0;
  /** When it was last used, and when its old mail was last dropped, in ms of a clock that only rises. */
  usedMs = 0;
  retainedMs = -Infinity;
  readonly #context: StoreContext;
  #log: MailLog | undefined;
  #marks: Marks | undefined;
  readonly #bells = new Set<() => void>();
  readonly #appends = new AppendQueue((queue) => this.#write(queue));
  readonly #turns = new Turns();
  readonly #draining: Draining;
  #isHinted = false;
  #rungAt = ''; // until it was read to its end once

  constructor(paths: MailboxPaths, context: StoreContext) {
    this.paths = paths;
    this.#context = context;
    this.#draining = new Draining(context.pieceBytes, () => this.#takeNow());
  }

  /** Undefined until it was used. */
  get log(): MailLog | undefined {
    return this.#log;
  }

  get marks(): Marks {
    return (this.#marks ??= new Marks(this.paths.marks, (error) => this.#report(error)));
  }

  get isWatched(): boolean {
    return this.#bells.size > 0;
  }

  /** Nothing is under way, nobody listens and nothing is left to tidy up: it need not stay in memory. */
  get isIdle(): boolean {
    if (this.users > 0 || this.isWatched || this.#appends.length > 0 || !this.#turns.areOver) return false;
    return !this.#log?.isWorkLeft && !this.#draining.isDue && (this.#marks?.isWritten ?? true);
  }

  /** It has no marks, and no files that were looked at: perhaps somebody made the name up. */
  get isNothing(): boolean {
    const isEmpty = !this.#log || (this.#log.pieces.length === 0 && this.#log.current.ino === undefined);
    return isEmpty && this.isIdle && Object.keys(this.marks.all).length === 0;
  }

  append(message: Message): Promise<Appended> {
    return this.#appends.add(message);
  }

  #write(queue: Append[]): Promise<void> {
    const writing = this.inTurn(async (log) => {
      await writeBatch(log, queue, () => this.#prepare(log));
      if (this.isWatched) this.#context.onAppended(this.paths.file);
      this.#changed(log);
    });
    writing.catch((error: unknown) => this.#report(error));
    return writing;
  }

  /** Before a write: reads on, makes room by a take if possible, and makes the file and holds its lock. */
  async #prepare(log: MailLog): Promise<void> {
    await readOn(log);
    const mayTake = this.isWatched || this.#draining.isTime(log, false);
    if (log.current.isReadOnly || (mayTake && isFull(log, this.#appends.length))) await this.#take(log);
    await makeMailbox(log, () => this.#hold());
  }

  /** Another program may have written: reads on if the file has changed. */
  hint(): void {
    if (this.#isHinted || (this.#log && !mayHaveMore(this.#log))) return;
    this.#isHinted = true;
    this.readOn().catch((error: unknown) => this.#report(error));
  }

  /** Brings in all that other programs have written, wherever it is. */
  async readOn(): Promise<MailLog> {
    const log = await this.readMailbox();
    if (log.isLateKnown) return log;
    await learnLate(log);
    return this.readMailbox();
  }

  /** Does the same, but leaves late mail for later if we do not know yet how far it was brought in. */
  readMailbox(): Promise<MailLog> {
    return this.inTurn(async (log) => {
      await (this.isWatched ? readOnForListener(log, () => this.#hold()) : readOn(log));
      if (log.current.isTailOver(this.#context.uptimeMs())) {
        await (log.current.isReadOnly ? this.#take(log) : this.#hold().then(() => endTail(log)));
      }
      const goesOn = (): boolean => this.isWatched && this.#appends.length === 0;
      await bringLate(log, () => this.#prepare(log), goesOn);
      this.#changed(log);
      this.#closeIfUnlocked();
      return log;
    });
  }

  /** Rings if something has come, and plans a take once all of it was read. */
  #changed(log: MailLog): void {
    if (log.newest !== this.#rungAt) {
      this.#rungAt = log.newest;
      this.#draining.changed();
      this.ring();
    }
    this.#draining.soon(log, this.isWatched);
  }

  ring(): void {
    for (const bell of this.#bells) bell();
  }

  /** Calls `ring` when mail may have come. Resolves once waiting mail was read, apart from late mail. */
  async watch(ring: () => void): Promise<() => void> {
    const bell = (): void => ring();
    this.#bells.add(bell);
    await this.readMailbox().catch((error: unknown) => this.#report(error)); // the sweep tries again
    this.hint();
    return () => this.#bells.delete(bell);
  }

  async read(after: string | undefined, limit: number): Promise<Batch> {
    const log = await this.upToDate();
    const cursor = after ?? this.marks.all['delivered'] ?? log.oldest;
    const batch = await log.read(cursor, limit);
    this.#draining.handedOut(batch.events.at(-1)?.id ?? cursor, log, this.isWatched);
    return batch;
  }

  /** Brings in what other programs have written, and takes it to be read. */
  async drain(): Promise<void> {
    const log = await this.upToDate();
    this.#draining.handedOut(log.newest, log, this.isWatched);
  }

  /** The log, after reading on, at least to `upTo`. While somebody listens, hints and the sweep have done that. */
  async upToDate(upTo?: string): Promise<MailLog> {
    if (this.isWatched && this.#rungAt && this.#log && !this.#log.current.isUnread) return this.#log;
    const log = upTo === undefined ? undefined : (this.#log ?? (await this.inTurn((loaded) => loaded)));
    if (log && compareIds(upTo!, log.newest) <= 0) return log;
    try {
      return await this.readOn();
    } catch (error) {
      if (!this.#log || this.#log.current.isUnread) throw error;
      this.#report(error); // what was read before can still be read
      return this.#log;
    }
  }

  /** Takes foreign mail that its receiver has just read, which fixes its time: so his answer comes after it. */
  async dateForeign(): Promise<void> {
    const log = this.#log;
    if (!log || !isForeignId(log.newest) || !this.#draining.isDue) return;
    await this.#takeNow().catch(() => this.#draining.soon(log, this.isWatched));
  }

  #takeNow(): Promise<void> {
    this.#draining.cancel();
    const taking = this.inTurn(async (log) => {
      await readOn(log);
      if (this.#draining.isTime(log, this.isWatched)) await this.#take(log);
      this.#changed(log);
    });
    taking.catch((error: unknown) => this.#report(error));
    return taking;
  }

  async #take(log: MailLog): Promise<void> {
    await this.#hold();
    await take(log, () => this.#appends.length > 0);
    if (log.isUnfinished) await readOn(log);
  }

  forget(): Promise<void> {
    return this.inTurn(async (log) => {
      await readOn(log).catch((error: unknown) => this.#report(error));
      const newest = Object.values(this.marks.all).reduce(laterId, log.newest);
      await this.marks.drop();
      forgetFiles(this.paths, this.#context, newest);
      log.current.close();
      this.#log = undefined;
      this.#marks = undefined;
      await this.#context.locks.letGo(this.paths.lock);
    });
  }

  /** Resolves when everything under way has ended and the files are closed. */
  async close(): Promise<void> {
    await this.#log?.learning?.catch(() => undefined); // it was reported
    do await this.#turns.over();
    while (this.#appends.length > 0);
    if (this.#draining.isDue) await this.#takeNow().catch(() => undefined);
    this.#draining.cancel();
    await this.#marks?.write(); // if this fails, clients without a cursor get some mail again
    this.#log?.current.close();
    await this.#context.locks.letGo(this.paths.lock);
  }

  /** Runs work that may change files, after all that was begun before. */
  inTurn<T>(work: (log: MailLog) => T | Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      this.#isHinted = false;
      return work(await this.#load());
    });
  }

  async #load(): Promise<MailLog> {
    this.#context.checkDirectories();
    if (this.#log) return this.#log;
    for (const id of Object.values(this.marks.all)) this.#context.clock.rise(id);
    await this.#context.converted(this.paths);
    return (this.#log = loadLog(this.paths, this.#context, () => this.ring()));
  }

  #hold(): Promise<void> {
    return this.#context.locks.hold(this.paths.lock, () => void this.#turns.run(async () => this.#closeIfUnlocked()));
  }

  /** Idle mailboxes keep no descriptor: there may be very many of them. */
  #closeIfUnlocked(): void {
    if (!this.#context.locks.isHeld(this.paths.lock)) this.#log?.current.close();
  }

  #report(error: unknown): void {
    this.#context.onError(error, 'the mailbox could not be used', this.paths.file);
  }
}
