import type { MailboxName } from './mailbox-name.ts';
import type { Batch, MailboxStore } from './mailbox-store.ts';

/** Mail between these two ids is no longer kept. */
export interface Gap {
  readonly after: string;
  readonly oldest: string;
}

/** The next events of a mailbox, after the gap if there is one. `cursor`: where to read on from. */
export interface Mail extends Omit<Batch, 'gap'> {
  readonly gap: Gap | undefined;
  readonly cursor: string;
}

/** Receives the mail of a mailbox that is followed. */
export interface Follower {
  /** No more is read until the promise that it returns resolves. So mail for a slow receiver stays in the store. */
  take(mail: Mail): Promise<void> | void;
  /** Called once at the end: the follow was stopped, or reading or taking failed. */
  over(error?: unknown): void;
}

/** The mail after a cursor; undefined if there is none yet. After a gap, it begins with the oldest that is kept. */
export async function mailAfter(after: string, mailbox: MailboxName, store: MailboxStore): Promise<Mail | undefined> {
  let batch = await store.read(mailbox, after);
  let gap: Gap | undefined;
  while (batch.gap) {
    gap = { after, oldest: (await store.ends(mailbox)).oldest };
    batch = await store.read(mailbox, gap.oldest);
  }
  const cursor = batch.events.at(-1)?.id ?? gap?.oldest;
  return cursor === undefined ? undefined : { events: batch.events, gap, cursor };
}

/** Follows a mailbox: whenever the store rings, reads on and hands the mail to the follower. While idle it is only this object. */
export class Follow {
  readonly #store: MailboxStore;
  readonly #mailbox: MailboxName;
  readonly #follower: Follower;
  #cursor: string;
  #rung = false;
  #reading = false;
  #stopped = false;
  #over = false;
  #unwatch: (() => void) | undefined;

  constructor(after: string, mailbox: MailboxName, store: MailboxStore, follower: Follower) {
    this.#cursor = after;
    this.#mailbox = mailbox;
    this.#store = store;
    this.#follower = follower;
  }

  /** Resolves once the mailbox is watched, and waiting mail is on its way. The follower is told of errors. */
  async begin(): Promise<void> {
    try {
      const watching = this.#store.watch(this.#mailbox, () => this.#ring());
      this.#ring(); // mail that waits needs no hint
      const unwatch = await watching;
      if (this.#stopped) unwatch();
      else this.#unwatch = unwatch;
    } catch (error) {
      this.#end(error);
    }
  }

  /** Ends the follow. Mail that the follower is taking now is still taken. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#unwatch?.();
    if (!this.#reading) this.#end();
  }

  #ring(): void {
    this.#rung = true;
    if (!this.#reading && !this.#stopped) void this.#readOn();
  }

  async #readOn(): Promise<void> {
    this.#reading = true;
    try {
      while (this.#rung && !this.#stopped) {
        this.#rung = false;
        for (let more = await this.#takeMore(); more; more = await this.#takeMore()) await more.taken;
      }
    } catch (error) {
      return this.#end(error);
    }
    this.#reading = false;
    if (this.#stopped) this.#end();
  }

  /** A separate function, so that no variable holds the mail in memory while a slow receiver takes it. */
  async #takeMore(): Promise<{ readonly taken: Promise<void> | void } | undefined> {
    const mail = this.#stopped ? undefined : await mailAfter(this.#cursor, this.#mailbox, this.#store);
    if (!mail || this.#stopped) return undefined;
    this.#cursor = mail.cursor;
    return { taken: this.#follower.take(mail) };
  }

  #end(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.stop();
    this.#follower.over(error);
  }
}
