import type { Appended, Batch, Message } from '../words/mailbox-store.ts';
import { AppendQueue } from './append-queue.ts';
import { isFull, writeBatch, type Append } from './appends.ts';
import { catchUp, loadLog, needsLook } from './catch-up.ts';
import { Draining } from './draining.ts';
import { isForeignId, laterId } from './event-id.ts';
import { bringLate } from './late-mail.ts';
import { forgetFiles } from './forgetting.ts';
import type { MailLog } from './mail-log.ts';
import { makeForListener, makeMailbox } from './making.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import { Marks } from './marks.ts';
import type { StoreContext } from './store-context.ts';
import { Tail } from './tail.ts';
import { endTail, take } from './taking.ts';
import { Turns } from './turns.ts';

/**
 * One mailbox: the file that mail comes in, the log that it becomes, the marks. What changes files runs in turns. All
 * that is in memory can be thrown away and read again.
 */
export class Mailbox {
  readonly paths: MailboxPaths;
  /** How many calls use it just now. */
  users = 0;
  /** When the store last used it, and last looked for old mail in it, in ms of a clock that only rises. */
  usedMs = 0;
  retainedMs = -Infinity;
  readonly #context: StoreContext;
  #log: MailLog | undefined;
  #marks: Marks | undefined;
  readonly #bells = new Set<() => void>();
  readonly #appends = new AppendQueue((queue) => this.#write(queue));
  readonly #turns = new Turns();
  #isHinted = false;
  #rungAt = '';
  readonly #draining: Draining;
  readonly #tail = new Tail();

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

  /** Nothing under way, nobody listening, nothing left to tidy: may be forgotten in memory. */
  get isIdle(): boolean {
    if (this.users > 0 || this.isWatched || this.#appends.length > 0 || !this.#turns.areOver) return false;
    return !this.#log?.isWorkLeft && !this.#draining.isDue && (this.#marks?.isWritten ?? true);
  }

  /** There is nothing of it, on disk or here: a name that somebody made up. */
  get isNothing(): boolean {
    const isEmpty = this.#log?.pieces.length === 0 && this.#log.current.ino === undefined;
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

  /** Before something is written: what stands there was read, there is room if it can be made, and others know that we are at work. */
  async #prepare(log: MailLog): Promise<void> {
    await catchUp(log);
    const canGo = this.isWatched || this.#draining.isTime(log, false);
    if (log.current.isOthers || (canGo && isFull(log, this.#appends.length))) await this.#take(log);
    await makeMailbox(log, () => this.#hold());
  }

  async read(after: string | undefined, limit: number): Promise<Batch> {
    const log = await this.upToDate();
    const cursor = after ?? this.marks.all['delivered'] ?? log.oldest;
    const batch = await log.read(cursor, limit);
    this.#handedOut(log, batch.events.at(-1)?.id ?? cursor);
    return batch;
  }

  /** Whoever listens is told when something comes: then what is read is up to date already. */
  async upToDate(): Promise<MailLog> {
    if (this.isWatched && this.#log && !this.#log.current.isUnread) return this.#log;
    try {
      return await this.look();
    } catch (error) {
      if (!this.#log || this.#log.current.isUnread) throw error;
      this.#report(error); // what was read before can still be read
      return this.#log;
    }
  }

  /** Brings in what others have written, for who reads it now. */
  async drain(): Promise<void> {
    const log = await this.upToDate();
    this.#handedOut(log, log.newest);
  }

  #handedOut(log: MailLog, id: string): void {
    this.#draining.handedOut(id);
    this.#draining.soon(log, this.isWatched);
  }

  /** Listening begins with a look, so that what waits is on its way when this resolves. */
  async watch(ring: () => void): Promise<() => void> {
    const bell = (): void => ring();
    this.#bells.add(bell);
    await this.look().catch((error: unknown) => this.#report(error)); // who listens waits for better times
    return () => this.#bells.delete(bell);
  }

  /** Somebody may have written: look, if there is anything to see. */
  hint(): void {
    if (this.#isHinted || (this.#log && !needsLook(this.#log))) return;
    this.#isHinted = true;
    this.look().catch((error: unknown) => this.#report(error));
  }

  /** The promise behind hints, which may be lost: to be called every second. */
  visit(): void {
    if (this.isWatched || this.#log?.isWorkLeft) this.hint();
  }

  ring(): void {
    for (const bell of this.#bells) bell();
  }

  /** Leaves nothing of it behind, its lock included. */
  forget(): Promise<void> {
    return this.inTurn(async (log) => {
      await catchUp(log).catch((error: unknown) => this.#report(error));
      const newest = Object.values(this.marks.all).reduce(laterId, log.newest);
      await this.marks.drop();
      forgetFiles(this.paths, this.#context, newest);
      log.current.close();
      this.#log = undefined;
      this.#marks = undefined;
      await this.#context.locks.letGo(this.paths.lock);
    });
  }

  /** Ends when everything begun has ended. */
  async close(): Promise<void> {
    do await this.#turns.over();
    while (this.#appends.length > 0);
    if (this.#draining.isDue) await this.#takeNow().catch(() => undefined);
    this.#draining.cancel();
    await this.#marks?.write(); // without them, mail is at worst delivered again to who has no cursor
    this.#log?.current.close();
    await this.#context.locks.letGo(this.paths.lock);
  }

  /** Runs what may change its files. */
  inTurn<T>(work: (log: MailLog) => T | Promise<T>): Promise<T> {
    return this.#turns.run(async () => {
      this.#isHinted = false;
      return work(await this.#load());
    });
  }

  async #load(): Promise<MailLog> {
    if (this.#log) return this.#log;
    for (const id of Object.values(this.marks.all)) this.#context.clock.rise(id);
    await this.#context.converted(this.paths);
    return (this.#log = loadLog(this.paths, this.#context, () => this.ring()));
  }

  /** Brings everything up to date, whoever did what. */
  look(): Promise<MailLog> {
    return this.inTurn(async (log) => {
      await catchUp(log);
      if (this.isWatched && log.current.ino === undefined) await makeForListener(log, () => this.#hold());
      if (this.#tail.isOver(log.current, this.#context.uptimeMs())) {
        await this.#hold();
        await (log.current.isOthers ? this.#take(log) : endTail(log));
      }
      await bringLate(log, () => this.#prepare(log));
      this.#changed(log);
      await this.#rest();
      return log;
    });
  }

  /** Something may have come: listeners are told, and when all of it is read, the mailbox is taken. */
  #changed(log: MailLog): void {
    if (log.newest !== this.#rungAt) {
      this.#rungAt = log.newest;
      this.#draining.changed();
      this.ring();
    }
    this.#draining.soon(log, this.isWatched);
  }

  /** Foreign mail that its receiver has just read keeps that time, by a take: what he says next comes behind it. */
  async dateForeign(): Promise<void> {
    const log = this.#log;
    if (!log || !isForeignId(log.newest) || !this.#draining.isDue) return;
    await this.#takeNow().catch(() => this.#draining.soon(log, this.isWatched));
  }

  #takeNow(): Promise<void> {
    this.#draining.cancel();
    const taking = this.inTurn(async (log) => {
      await catchUp(log);
      if (this.#draining.isTime(log, this.isWatched)) await this.#take(log);
      this.#changed(log);
    });
    taking.catch((error: unknown) => this.#report(error));
    return taking;
  }

  async #take(log: MailLog): Promise<void> {
    await this.#hold();
    await take(log, () => this.#appends.length > 0);
    if (log.isUnfinished) await catchUp(log);
  }

  #hold(): Promise<void> {
    return this.#context.locks.hold(this.paths.lock, () => void this.#turns.run(() => this.#rest()));
  }

  /** While it is at rest, its file is closed: there may be very many. */
  async #rest(): Promise<void> {
    if (!this.#context.locks.isHeld(this.paths.lock)) this.#log?.current.close();
  }

  #report(error: unknown): void {
    this.#context.onError(error, 'the mailbox could not be used', this.paths.file);
  }
}
