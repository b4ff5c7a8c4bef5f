import { mailboxName, personName, type MailboxName } from './mailbox-name.ts';
import type { MailEvent } from './mailbox-store.ts';
import { messageOf, type StoredMessage } from './message-data.ts';
import { isNameOf } from './shown-name.ts';

/** An event of a mailbox, as people see it. `time` is ISO 8601. */
export interface ShownMail {
  readonly mailbox: MailboxName;
  readonly id: string;
  /** Null if another program wrote it without a valid sender. */
  readonly sender: MailboxName | null;
  readonly receiver: MailboxName;
  readonly message: string;
  readonly time: string;
  /** When it was accepted, in Unix ms, if `time` differs. The merge of two mailboxes goes by it. */
  readonly acceptedMs?: number;
  readonly key: string | null;
  /** The sender as people see it, if the message tells. */
  readonly name?: string;
  readonly foreign?: true;
  /** Another program wrote it in our form: nobody has checked its sender. */
  readonly viaFile?: true;
}

const LAST_MS = 8.64e15;
const ISO = /^[+-]?\d{4,6}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/;

/**
 * What an event says, and who says it. History, streams and lists all use this, so that they agree. Data in our form is a
 * message of its sender if the sender's name is valid and the receiver is this mailbox. Everything else is foreign text.
 */
export function shownMail(mailbox: MailboxName, { id, time, data, foreign }: MailEvent): ShownMail {
  const message = messageOf(data);
  const sender = message && nameOf(personName, message.sender);
  const isHere = message && nameOf(mailboxName, message.receiver ?? mailbox) === mailbox;
  if (!sender || !isHere || message.message === '') {
    return { mailbox, id, sender: null, receiver: mailbox, message: data, time: iso(time), key: null, foreign: true };
  }
  const told = readTime(message) ?? iso(time);
  const accepted = Date.parse(told) !== time && { acceptedMs: time };
  return {
    mailbox,
    id,
    sender,
    receiver: mailbox,
    message: message.message,
    time: told,
    ...accepted,
    key: message.key,
    ...(message.name !== undefined && isNameOf(sender, message.name) && { name: message.name }),
    ...(foreign && { viaFile: true }),
  };
}

function nameOf(read: (input: string) => MailboxName, text: string): MailboxName | undefined {
  try {
    return read(text);
  } catch {
    return undefined; // not a valid name
  }
}

/** A time without a zone is refused: it would mean one thing here and another in the browser. */
function readTime({ time }: StoredMessage): string | undefined {
  return ISO.test(time) && !Number.isNaN(Date.parse(time)) ? time : undefined;
}

function iso(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), LAST_MS)).toISOString();
}
