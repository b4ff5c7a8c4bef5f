import { MailboxError } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailEvent } from '../words/mailbox-store.ts';
import { shownMail } from '../words/shown-mail.ts';
import type { Fields } from './request.ts';

/** How an event looks to a listener. */
export type Telling = (mailbox: MailboxName, event: MailEvent) => MailEvent;

const asStored: Telling = (_, event) => event;

/** As `GET /history` gives it, so that a page shows the same live and after a reload. Types are for programs alone. */
const asHistory: Telling = (mailbox, event) => ({
  id: event.id,
  time: event.time,
  data: JSON.stringify(shownMail(mailbox, event)),
});

/** `as=history`: each event is a `message` with the data that `GET /history` gives, but for its state. */
export function tellingOf({ as }: Fields): Telling {
  if (as === undefined) return asStored;
  if (as === 'history') return asHistory;
  throw new MailboxError('INVALID_REQUEST', '"as" can only be "history". Leave it out to get mail as it is stored.');
}
