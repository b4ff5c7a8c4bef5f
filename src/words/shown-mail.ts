import { mailboxName, personName, type MailboxName } from './mailbox-name.ts';
import type { MailEvent } from './mailbox-store.ts';
import { messageOf, type StoredMessage } from './message-data.ts';

/** One event of a mailbox as people see it. `time` is ISO 8601. */
export interface ShownMail {
  readonly mailbox: MailboxName;
  readonly id: string;
  /** Null when another program wrote it and no sender can be told. */
  readonly sender: MailboxName | null;
  readonly receiver: MailboxName;
  readonly message: string;
  readonly time: string;
  /** When it was accepted, in Unix ms, where `time` says something else: two mailboxes are merged by it. */
  readonly acceptedMs?: number;
  readonly key: string | null;
  readonly foreign?: true;
}

const LAST_MS = 8.64e15;
const ISO = /^[+-]?\d{4,6}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/;

/**
 * What an event says, and who says it. History, streams and lists all ask here, so that they agree. Data in our form
 * counts as its sender's when the sender has a usable name and the receiver is this mailbox; all else is somebody's text.
 */
export function shownMail(mailbox: MailboxName, { id, time, data }: MailEvent): ShownMail {
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
  };
}

function nameOf(read: (input: string) => MailboxName, text: string): MailboxName | undefined {
  try {
    return read(text);
  } catch {
    return undefined; // no usable name
  }
}

/** Without its zone, a time would be one thing here and another in the browser. */
function readTime({ time }: StoredMessage): string | undefined {
  return ISO.test(time) && !Number.isNaN(Date.parse(time)) ? time : undefined;
}

function iso(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), LAST_MS)).toISOString();
}
