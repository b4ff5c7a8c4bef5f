import { MailboxError } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailEvent } from '../words/mailbox-store.ts';
import { shownChange } from '../words/shown-change.ts';
import { shownMail } from '../words/shown-mail.ts';
import type { Fields } from './request.ts';

/** How an event looks to a listener. */
export type Telling = (mailbox: MailboxName, event: MailEvent) => MailEvent;

const asStored: Telling = (_, event) => event;

/** As `GET /history` gives it, so that a page shows the same live and after a reload. Only changes keep their type. */
const asHistory: Telling = (mailbox, event) => {
  const change = shownChange(mailbox, event);
  const data = JSON.stringify(change ?? shownMail(mailbox, event));
  return { id: event.id, time: event.time, type: change?.event, data };
};

/** `as=history`: each event has the data that `GET /history` gives, but for the state. All but changes are a `message`. */
export function tellingOf({ as }: Fields): Telling {
  if (as === undefined) return asStored;
  if (as === 'history') return asHistory;
  throw new MailboxError('INVALID_REQUEST', '"as" can only be "history". Leave it out to get mail as it is stored.');
}
