import type { Live } from '../words/live.ts';
import { isRoom, type MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, MarkName } from '../words/mailbox-store.ts';
import { shownChange } from '../words/shown-change.ts';
import { shownMail } from '../words/shown-mail.ts';

const MAX_TOLD = 200;

/** Moves marks, and tells the senders whose messages the marks have passed. A room has no marks. */
export class Receipts {
  readonly #store: MailboxStore;
  readonly #live: Live;

  constructor(store: MailboxStore, live: Live) {
    this.#store = store;
    this.#live = live;
  }

  async delivered(mailbox: MailboxName, upTo: string): Promise<void> {
    const before = await this.#move(mailbox, 'delivered', upTo);
    if (before === undefined) return;
    for (const sender of await this.#sendersBetween(mailbox, before, upTo))
      this.#tell(sender, 'delivered', mailbox, upTo);
  }

  async read(mailbox: MailboxName, sender: MailboxName, upTo: string): Promise<void> {
    await this.delivered(mailbox, upTo); // what was read was also delivered
    const before = await this.#move(mailbox, `read:${sender}`, upTo);
    if (before !== undefined) this.#tell(sender, 'read', mailbox, upTo);
  }

  /** Moves a mark and returns where it was. Undefined if it was already there. */
  async #move(mailbox: MailboxName, name: MarkName, upTo: string): Promise<string | undefined> {
    if (isRoom(mailbox)) return undefined;
    const before = (await this.#store.marks(mailbox))[name] ?? (await this.#store.ends(mailbox)).oldest;
    if (this.#store.compare(upTo, before) <= 0) return undefined;
    await this.#store.mark(mailbox, name, upTo);
    return before;
  }

  async #sendersBetween(mailbox: MailboxName, after: string, upTo: string): Promise<Set<string>> {
    const senders = new Set<string>();
    const { events } = await this.#store.read(mailbox, after, MAX_TOLD);
    for (const event of events) {
      const { sender } = shownChange(mailbox, event) ?? shownMail(mailbox, event);
      if (sender !== null && this.#store.compare(event.id, upTo) <= 0) senders.add(sender);
    }
    return senders;
  }

  #tell(sender: string, name: 'delivered' | 'read', receiver: MailboxName, upTo: string): void {
    this.#live.publish({ to: sender, name, data: JSON.stringify({ receiver, upTo }) });
  }
}
