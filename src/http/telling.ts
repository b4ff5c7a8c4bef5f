import { MailboxError } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailEvent } from '../words/mailbox-store.ts';
import { shownMail } from '../words/shown-mail.ts';
import type { Fields } from './request.ts';

/** How a listener is told of an event. */
export type Telling = (mailbox: MailboxName, event: MailEvent) => MailEvent;

const asStored: Telling = (_, event) => event;

/** What a page shows live is then what it shows after a reload. Its types are for programs. */
const asHistory: Telling = (mailbox, event) => ({
  id: event.id,
  time: event.time,
  data: JSON.stringify(shownMail(mailbox, event)),
});

/** `as=history`: every event is a `message` whose data is what `GET /history` tells, but for its state. */
export function tellingOf({ as }: Fields): Telling {
  if (as === undefined) return asStored;
  if (as === 'history') return asHistory;
  throw new MailboxError('INVALID_REQUEST', '"as" can only be "history". Leave it out to get mail as it is stored.');
}
