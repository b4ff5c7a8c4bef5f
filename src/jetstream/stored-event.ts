import { createHash } from 'node:crypto';
import { isForeignType } from '../words/event-type.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import type { MailEvent, Message } from '../words/mailbox-store.ts';
import { isEventOf } from '../words/message-data.ts';
import { eventId } from './event-id.ts';
import type { Stored } from './stream-subject.ts';

/** The headers of an event in its stream. What others publish under our subjects has none of them. */
export const TIME = 'Mailbox-Time';
export const TYPE = 'Mailbox-Type';
export const ATTEMPT = 'Mailbox-Attempt';
export const ORIGIN = 'Mailbox-Origin';
/** Marks an event that was brought in from another store, where another program had written it. */
export const FOREIGN = 'Mailbox-Foreign';

/** Reads an event. What others publish under our subjects is foreign mail, without our time and with any line ends. */
export function eventOf({ seq, time, data, header }: Stored, epoch: number): MailEvent {
  const text = Buffer.from(data).toString('utf8');
  const ownTime = Number(header.get(TIME) || NaN);
  const type = header.get(TYPE);
  const isDated = Number.isSafeInteger(ownTime);
  const event = {
    id: eventId(epoch, seq),
    time: isDated ? ownTime : time.getTime(),
    data: text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text, // on a stream, CR would end the line [sse]
    ...((!isDated || header.get(FOREIGN)) && { foreign: true as const }),
  };
  return isForeignType(type) ? { ...event, type } : event;
}

/** JetStream cannot change a stored message, so a text that was edited or removed would still be there. */
export function checkKind({ type, files }: Message): void {
  if (!files && (type === undefined || type === 'react')) return;
  const why = 'Mailboxes on NATS servers take messages, replies and reactions, but no edits, removals or files.';
  throw new MailboxError('NOT_SUPPORTED', why);
}

/** The event of a message that was sent again under its key. KEY_REUSED if it was another message. */
export function sameAgain(event: MailEvent, message: Message): MailEvent {
  if (isEventOf(message, event)) return event;
  throw new MailboxError('KEY_REUSED', 'This key was used for another message. Use a new key for a new message.');
}

/** A message id. By it, the servers recognise a message that is sent again. */
export function hashOf(...words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('base64url');
}
