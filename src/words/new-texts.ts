import type { MailboxName } from './mailbox-name.ts';
import type { MailEvent } from './mailbox-store.ts';
import { shownChange } from './shown-change.ts';
import { isErased, shownMail } from './shown-mail.ts';

const MAX_ERASED = 1000;

/**
 * Picks out what a program that answers messages needs: messages with a text. If a message was edited before the program
 * received it, its first text is gone, and the edit has the new one.
 */
export class NewTexts {
  readonly #erased = new Set<string>();

  /** Whether this event, which follows those asked for before, has a new text. */
  has(mailbox: MailboxName, event: MailEvent): boolean {
    const change = shownChange(mailbox, event);
    if (change) return Boolean(change.message) && this.#erased.delete(change.of);
    if (!isErased(shownMail(mailbox, event))) return true;
    if (this.#erased.size < MAX_ERASED) this.#erased.add(event.id);
    return false;
  }
}
