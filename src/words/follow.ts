import type { MailboxName } from './mailbox-name.ts';
import type { Batch, MailboxStore } from './mailbox-store.ts';

/** What came between these two ids is no longer kept. */
export interface Gap {
  readonly after: string;
  readonly oldest: string;
}

/** The next events of a mailbox, behind the gap if there is one. `cursor`: where to go on from. */
export interface Mail extends Omit<Batch, 'gap'> {
  readonly gap: Gap | undefined;
  readonly cursor: string;
}

/** Whoever follows a mailbox. */
export interface Follower {
  /** Nothing is read until what it returns has resolved: mail for a slow receiver stays in the store. */
  take(mail: Mail): Promise<void> | void;
  /** Called once, when nothing more is taken: the follow was stopped, or reading or taking failed. */
  over(error?: unknown): void;
}

/** The mail after a cursor; undefined when there is none for now. A gap is passed by going on from the oldest kept. */
export async function mailAfter(after: string, mailbox: MailboxName, store: MailboxStore): Promise<Mail | undefined> {
  let batch = await store.read(mailbox, after);
  let gap: Gap | undefined;
  while (batch.gap) {
    gap = { after, oldest: (await store.ends(mailbox)).oldest };
    batch = await store.read(mailbox, gap.oldest);
  }
  const cursor = batch.events.at(-1)?.id ?? gap?.oldest;
  return cursor === undefined ? undefined : { ...batch, gap, cursor };
}

/** Brings a mailbox to its follower for as long as it lasts: hints wake it, reads decide. Idle, it is this object alone. */
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

  /** Resolves when the mailbox is watched; what waits in it is on its way by then. Errors are told to the follower. */
  async begin(): Promise<void> {
    try {
      const watching = this.#store.watch(this.#mailbox, () => this.#ring());
      this.#ring(); // the first look needs no hint
      const unwatch = await watching;
      if (this.#stopped) unwatch();
      else this.#unwatch = unwatch;
    } catch (error) {
      this.#end(error);
    }
  }

  /** What is being taken is still taken to its end. */
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
        await this.#readToEnd();
      }
    } catch (error) {
      return this.#end(error);
    }
    this.#reading = false;
    if (this.#stopped) this.#end();
  }

  async #readToEnd(): Promise<void> {
    for (let more = await this.#takeMore(); more; more = await this.#takeMore()) await more.taken;
  }

  /** A function of its own, so that nothing here holds on to the mail while a slow receiver takes it. */
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
