import type { MailboxName } from '../words/mailbox-name.ts';

const MAX_KNOWN = 10_000;

/** Has a sender's own mailbox read before he sends, so that his message gets a higher id than all that he may have read. */
export class Senders {
  readonly #readUp: (sender: MailboxName) => Promise<boolean>;
  readonly #known = new Set<MailboxName>();
  readonly #asked = new Map<MailboxName, Promise<void>>();

  /** `readUp` reads a mailbox, so that ids rise above its own. False if it cannot be read. */
  constructor(readUp: (sender: MailboxName) => Promise<boolean>) {
    this.#readUp = readUp;
  }

  /** Reads the mailbox once. Later mail in it is written or read by this process anyway. */
  async riseAbove(sender: MailboxName): Promise<void> {
    if (this.#known.has(sender)) return;
    const asked = this.#asked.get(sender) ?? this.#ask(sender);
    this.#asked.set(sender, asked);
    await asked;
  }

  async over(): Promise<void> {
    await Promise.all(this.#asked.values());
  }

  async #ask(sender: MailboxName): Promise<void> {
    const isRead = await this.#readUp(sender);
    this.#asked.delete(sender);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    if (isRead) this.#known.add(sender);
  }
}
