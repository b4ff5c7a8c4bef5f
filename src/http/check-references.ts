import { changeOf } from '../words/change-data.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { isRoom, type MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, Message } from '../words/mailbox-store.ts';
import { isErased, shownMail, type ShownMail } from '../words/shown-mail.ts';

const PAGE = 1000;

/**
 * Checks the messages that a message names. Throws NOT_FOUND if its sender may not change the message `of`, or there is
 * none; MESSAGE_REMOVED if it edits a message that was removed.
 */
export async function checkReferences(message: Message, store: MailboxStore): Promise<void> {
  const { type, of, replyTo, sender } = message;
  if (replyTo !== undefined && !store.isId(replyTo)) {
    throw new MailboxError('INVALID_MESSAGE', '"replyTo" is the id of the message that is answered.');
  }
  if (type === undefined || of === undefined) return;
  const mail = await mailToChange(message, of, store);
  if (!mail) {
    const why = `${sender} can change no message with this id here: there is none, or somebody else sent it.`;
    throw new MailboxError('NOT_FOUND', why);
  }
  if (type === 'edit' && (isErased(mail) || mail.viaFile) && (await isRemoved(mail, store))) {
    throw new MailboxError('MESSAGE_REMOVED', 'This message was removed. Send a new one.');
  }
}

/** People edit and remove what they sent. They react to everything in a conversation, which two mailboxes hold. */
async function mailToChange(change: Message, of: string, store: MailboxStore): Promise<ShownMail | undefined> {
  const { type, sender, receiver } = change;
  const sent = await mailWith(of, receiver, store);
  if (sent?.sender === sender || (sent && type === 'react' && isRoom(receiver))) return sent;
  if (type !== 'react' || isRoom(receiver)) return undefined;
  const received = await mailWith(of, sender, store);
  return received?.sender === receiver || received?.sender === null ? received : undefined;
}

/** The message with this id. Undefined if there is none, or the event is a change. */
export async function mailWith(id: string, mailbox: MailboxName, store: MailboxStore): Promise<ShownMail | undefined> {
  const event = store.isId(id) ? await store.get(mailbox, id) : undefined;
  return event && !changeOf(event) ? shownMail(mailbox, event) : undefined;
}

/**
 * The events behind a message tell whether it was removed: an edit erases the text, too, and another program erases nothing.
 * Most of them have other texts, which are passed over.
 */
async function isRemoved({ mailbox, id, sender, viaFile }: ShownMail, store: MailboxStore): Promise<boolean> {
  for (let before: string | undefined; ;) {
    const { events, more } = await store.readBack(mailbox, before, PAGE, (bytes) => bytes.includes(id));
    for (const event of events) {
      const change = changeOf(event);
      if (change?.of !== id || change.sender !== sender || (event.foreign && !viaFile)) continue;
      if (event.type === 'remove') return true;
      if (event.type === 'edit' && !event.foreign) return false; // when it was accepted, there was no removal
    }
    if (more === undefined || store.compare(more, id) <= 0) return false;
    before = more;
  }
}
