import { changeOf } from './change-data.ts';
import type { MailboxName } from './mailbox-name.ts';
import type { ChangeType, MailEvent } from './mailbox-store.ts';
import { originOf, type Origin } from './shown-mail.ts';

/** A change of a message, as history, streams and lists show it. */
export interface ShownChange extends Origin {
  readonly event: ChangeType;
  readonly of: string;
  /** The new text of an edit. Empty if it was erased: a later edit or a removal replaced it. */
  readonly message?: string | undefined;
  /** The reaction. Empty: it was taken back. */
  readonly emoji?: string | undefined;
  readonly key?: string | undefined;
}

/** The change in an event. Undefined if it is a message or foreign text, which `shownMail` shows. */
export function shownChange(mailbox: MailboxName, event: MailEvent): ShownChange | undefined {
  const change = changeOf(event);
  const origin = change && originOf(mailbox, event, change);
  if (!origin) return undefined;
  const { of, message, emoji, key } = change;
  return { event: event.type as ChangeType, ...origin, of, message, emoji, key };
}
