import type { MailboxName } from '../words/mailbox-name.ts';

const MAX_KNOWN = 10_000;

/** Has a sender's own mailbox read before he sends, so that his message gets a higher id than all that he may have read. */
export class Senders {
  readonly #readUp: (sender: MailboxName) => Promise<boolean>;
  readonly #read = new Map<MailboxName, Promise<boolean>>();

  /** `readUp` reads a mailbox, so that ids rise above its own. False if it cannot be read. */
  constructor(readUp: (sender: MailboxName) => Promise<boolean>) {
    this.#readUp = readUp;
  }

  /** Reads the mailbox once. Later mail in it is written or read by this process anyway. */
  async riseAbove(sender: MailboxName): Promise<void> {
    if (this.#read.size >= MAX_KNOWN) this.#read.clear();
    const reading = this.#read.get(sender) ?? this.#readUp(sender);
    this.#read.set(sender, reading);
    if (!(await reading)) this.#read.delete(sender);
  }

  async over(): Promise<void> {
    await Promise.all(this.#read.values());
  }
}
