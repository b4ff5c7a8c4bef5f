import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { admit, callerOf, type Caller } from '../access/caller.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { isRoom, mailboxName, personName, type MailboxName } from '../words/mailbox-name.ts';
import type { Appended, Message } from '../words/mailbox-store.ts';
import { isNameOf } from '../words/shown-name.ts';
import { sendJsonText } from './answer.ts';
import { readBody } from './body.ts';
import type { Chat } from './chat.ts';
import { formFields, header, queryTextOf, type Handler } from './request.ts';

const Fields = z.object({
  sender: z.string(),
  receiver: z.string(),
  message: z.string(),
  key: z.string().optional(),
  name: z.string().optional(),
});
const KEY = /^[^\p{C}]{1,128}$/u;

/** In JSON, a code point takes at most two escapes of six bytes. */
const BYTES_PER_CODE_POINT = 12;
/** For the names and the key. */
const BYTES_BESIDE = 4096;

/** A room is for short words. */
const MAX_IN_ROOM = 1000;

/** `POST /messages`: 201 once the message is on disk, 200 if it was stored before under the same key. */
export function postMessage(chat: Chat): Handler {
  const { maxMessage } = chat;
  return async (req, res) => {
    const fields = await readPosted(req, maxMessage * BYTES_PER_CODE_POINT + BYTES_BESIDE);
    const message = readMessage(fields, maxMessage, callerOf(req), header(req, 'idempotency-key'));

    const { text, repeated } = await send(req, message, chat);
    sendJsonText(res, repeated ? 200 : 201, text);
  };
}

/** `GET /messages?sender=&receiver=&message=`, as the prototype's page sends. */
export function getMessage(chat: Chat): Handler {
  return async (req, res) => {
    const message = readMessage(formFields(queryTextOf(req)), chat.maxMessage, callerOf(req));

    const { text } = await send(req, message, chat);
    sendJsonText(res, 200, text);
  };
}

/** The fields of a message. If the body is plain text, the others are in the query. */
async function readPosted(req: IncomingMessage, maxBytes: number): Promise<unknown> {
  const body = await readBody(req, maxBytes);
  if ('fields' in body) return body.fields;
  return { ...formFields(queryTextOf(req)), message: body.text };
}

/** Stores the message and tells the sender's other pages. */
async function send(
  req: IncomingMessage,
  message: Message,
  { store, live, sends, counts }: Chat,
): Promise<{ text: string; repeated: boolean }> {
  const caller = callerOf(req);
  admit(caller, message.sender);
  sends.count(caller.address, message.sender);
  const givenMs = performance.now();
  const appended = await store.append(message.receiver, message);
  const text = answer(message, appended);
  if (!appended.repeated) {
    counts.appended((performance.now() - givenMs) / 1000);
    live.publish({ to: message.sender, name: 'sent', data: text });
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
