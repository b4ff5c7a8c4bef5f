import { Changes, type Changed } from './changes.ts';
import type { Mail } from './follow.ts';
import type { MailboxName } from './mailbox-name.ts';
import type { MailEvent } from './mailbox-store.ts';
import { shownChange } from './shown-change.ts';
import { shownMail, type ShownMail } from './shown-mail.ts';

/**
 * What a program that answers messages gets of a batch of mail: each message with its text when the program asks for it. Edits
 * may come long after the message, so this reads on to the end of the mailbox, and keeps those of this batch alone.
 */
export class NewestTexts {
  readonly #mailbox: MailboxName;
  readonly #read: (after: string) => Promise<Mail>;
  readonly #ids: ReadonlySet<string>;
  /** The changes in the order of their ids, in which they are read. */
  readonly #order = new Map<string, number>();
  readonly #changes = new Changes({ compare: (a, b) => this.#order.get(a)! - this.#order.get(b)! });
  #readTo: string | undefined;

  constructor(mailbox: MailboxName, events: readonly MailEvent[], read: (after: string) => Promise<Mail>) {
    this.#mailbox = mailbox;
    this.#read = read;
    this.#ids = new Set(events.map(({ id }) => id));
  }

  /** The message in this event with its text now. Undefined if it was removed, or the event is a change. */
  async messageIn(event: MailEvent): Promise<(ShownMail & Changed) | undefined> {
    if (shownChange(this.#mailbox, event)) return undefined;
    await this.#readOn(event);
    const message = this.#changes.fold(shownMail(this.#mailbox, event));
    return message.removed ? undefined : message;
  }

  async #readOn({ id }: MailEvent): Promise<void> {
    for (let more = await this.#read((this.#readTo ??= id)); more.events.length > 0;) {
      for (const event of more.events) this.#add(event);
      this.#readTo = more.cursor;
      more = await this.#read(more.cursor);
    }
  }

  #add(event: MailEvent): void {
    const change = shownChange(this.#mailbox, event);
    // An erased edit does not count, and nobody needs its place in the order.
    if (!change || change.event === 'react' || change.message === '' || !this.#ids.has(change.of)) return;
    this.#order.set(change.id, this.#order.size);
    this.#changes.add(change);
  }
}
