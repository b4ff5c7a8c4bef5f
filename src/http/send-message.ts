import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { admit, type Caller } from '../access/caller.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { isRoom, mailboxName, personName, type MailboxName } from '../words/mailbox-name.ts';
import type { Appended, Message } from '../words/mailbox-store.ts';
import { isNameOf } from '../words/shown-name.ts';
import type { Chat } from './chat.ts';

const Fields = z.object({
  sender: z.string(),
  receiver: z.string(),
  message: z.string(),
  key: z.string().optional(),
  name: z.string().optional(),
});
const KEY = /^[^\p{C}]{1,128}$/u;

/** A room is for short words. */
const MAX_IN_ROOM = 1000;

/** The stored message, as the JSON that its sender gets. `repeated`: it was stored before under the same key. */
export interface Sent {
  readonly text: string;
  readonly repeated: boolean;
}

/** Checks the fields of a message, stores it, and tells the sender's other pages. Resolves once it is on disk. */
export async function sendMessage(input: unknown, caller: Caller, chat: Chat, headerKey?: string): Promise<Sent> {
  const message = readMessage(input, chat.maxMessage, caller, headerKey);
  admit(caller, message.sender);
  chat.sends.count(caller.address, message.sender);
  const givenMs = performance.now();
  const appended = await chat.store.append(message.receiver, message);
  const text = answer(message, appended);
  if (!appended.repeated) {
    chat.counts.appended((performance.now() - givenMs) / 1000);
    chat.live.publish({ to: message.sender, name: 'sent', data: text });
  }
  return { text, repeated: appended.repeated };
}

function readMessage(input: unknown, maxMessage: number, { messageKey }: Caller, headerKey?: string): Message {
  const fields = Fields.safeParse(input);
  if (!fields.success) {
    const missing = fields.error.issues.map(({ path }) => path.join('.')).join(', ');
    throw new MailboxError(
      'INVALID_MESSAGE',
      `A message has sender, receiver and message, each a string. Check: ${missing}.`,
    );
  }
  const { message: text } = fields.data;
  if (text === '') throw new MailboxError('INVALID_MESSAGE', 'The message is empty. Write something.');
  const sender = personName(fields.data.sender);
  const receiver = mailboxName(fields.data.receiver);
  const max = isRoom(receiver) ? Math.min(MAX_IN_ROOM, maxMessage) : maxMessage;
  if (text.length > max && codePoints(text) > max) {
    throw new MailboxError('MESSAGE_TOO_LONG', `The message is longer than ${max} characters. Send it in parts.`);
  }
  return {
    sender,
    receiver,
    ...readShownName(fields.data.name, sender),
    message: text,
    key: readKey(fields.data.key, headerKey) ?? messageKey ?? randomUUID(),
  };
}

function readShownName(name: string | undefined, sender: MailboxName): Pick<Message, 'name'> {
  if (name === undefined || name === sender) return {};
  if (isNameOf(sender, name)) return { name };
  throw new MailboxError(
    'INVALID_MESSAGE',
    `"name" must be the sender's name as people type it, and give ${sender} by GET /names.`,
  );
}

function readKey(bodyKey: string | undefined, headerKey: string | undefined): string | undefined {
  const unquoted = headerKey?.replace(/^"(.*)"$/, '$1');
  const key = unquoted ?? bodyKey;
  if (key !== undefined && !KEY.test(key))
    throw new MailboxError('INVALID_MESSAGE', 'A key has 1 to 128 characters, and no control characters.');
  if (bodyKey !== undefined && bodyKey !== key) {
    throw new MailboxError('INVALID_MESSAGE', 'Idempotency-Key and "key" differ. Send one of them.');
  }
  return key;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** The stored JSON with its id, mailbox and state around it. */
function answer({ receiver }: Message, { event }: Appended): string {
  return `{"id":${JSON.stringify(event.id)},"mailbox":${JSON.stringify(receiver)},${event.data.slice(1, -1)},"state":"sent"}`;
}
