import type { MailboxName } from '../words/mailbox-name.ts';

const MAX_KNOWN = 10_000;

/** An answer gets a higher id than all that its sender may have read, even before a restart: his own mailbox is read first. */
export class Senders {
  readonly #readUp: (sender: MailboxName) => Promise<boolean>;
  readonly #known = new Set<MailboxName>();
  readonly #asked = new Map<MailboxName, Promise<void>>();

  /** `readUp` makes ids rise above a mailbox; false when it cannot be read. */
  constructor(readUp: (sender: MailboxName) => Promise<boolean>) {
    this.#readUp = readUp;
  }

  /** Once it is so, it stays so: what comes later is read by us. */
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
