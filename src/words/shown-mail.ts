import { mailboxName, personName, type MailboxName } from './mailbox-name.ts';
import type { MailEvent } from './mailbox-store.ts';
import { messageOf } from './message-data.ts';
import type { MessageFile } from './message-files.ts';
import { isNameOf } from './shown-name.ts';

/** Where an event is, who wrote it, and when. `time` is ISO 8601. */
export interface Origin {
  readonly mailbox: MailboxName;
  readonly id: string;
  readonly sender: MailboxName;
  readonly receiver: MailboxName;
  readonly time: string;
  /** When it was accepted, in Unix ms, if `time` differs. The merge of two mailboxes goes by it. */
  readonly acceptedMs?: number;
  /** Another program wrote it in our form: nobody has checked its sender. */
  readonly viaFile?: true;
}

/** What the data of an event says of its origin. */
interface SaidBy {
  readonly sender: string;
  readonly receiver?: string | undefined;
  readonly time?: string | undefined;
}

/** A message of a mailbox, as people see it. */
export interface ShownMail extends Omit<Origin, 'sender'> {
  /** Null if another program wrote it without a valid sender. */
  readonly sender: MailboxName | null;
  readonly message: string;
  readonly key: string | null;
  /** The sender as people see it, if the message tells. */
  readonly name?: string;
  readonly replyTo?: string;
  readonly files?: readonly MessageFile[];
  readonly foreign?: true;
}

const LAST_MS = 8.64e15;
const ISO = /^[+-]?\d{4,6}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d)$/;

/**
 * What an event says, and who says it. History, streams and lists all use this, so that they agree. Data in our form is a
 * message of its sender if the sender's name is valid and the receiver is this mailbox. Everything else is foreign text.
 */
export function shownMail(mailbox: MailboxName, event: MailEvent): ShownMail {
  const { id, time, data } = event;
  const message = messageOf(data);
  const origin = message && originOf(mailbox, event, message);
  if (!origin) {
    return { mailbox, id, sender: null, receiver: mailbox, message: data, time: iso(time), key: null, foreign: true };
  }
  const { time: told, ...where } = origin;
  const { message: text, key, name, replyTo, files } = message;
  return {
    ...where,
    message: text,
    time: told,
    key,
    ...(name !== undefined && isNameOf(where.sender, name) && { name }),
    ...(replyTo !== undefined && { replyTo }),
    ...(files && { files }),
  };
}

/** Whether its text was erased from disk, because it was edited or removed. */
export function isErased({ message, files }: Pick<ShownMail, 'message' | 'files'>): boolean {
  return message === '' && !files;
}

/** Who wrote an event, where and when. Undefined if the sender's name is not valid, or it is for another mailbox. */
export function originOf(mailbox: MailboxName, event: MailEvent, said: SaidBy): Origin | undefined {
  const { id, time, foreign } = event;
  const sender = nameOf(personName, said.sender);
  if (!sender || nameOf(mailboxName, said.receiver ?? mailbox) !== mailbox) return undefined;
  const told = readTime(said.time) ?? iso(time);
  const accepted = Date.parse(told) !== time && { acceptedMs: time };
  return { mailbox, id, sender, receiver: mailbox, time: told, ...accepted, ...(foreign && { viaFile: true }) };
}

function nameOf(read: (input: string) => MailboxName, text: string): MailboxName | undefined {
  try {
    return read(text);
  } catch {
    return undefined; // not a valid name
  }
}

/** A time without a zone is refused: it would mean one thing here and another in the browser. */
function readTime(time = ''): string | undefined {
  return ISO.test(time) && !Number.isNaN(Date.parse(time)) ? time : undefined;
}

function iso(ms: number): string {
  return new Date(Math.min(Math.max(ms, 0), LAST_MS)).toISOString();
}
