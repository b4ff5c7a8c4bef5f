import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Caller } from '../access/caller.ts';
import { CHANGE_TYPES, isEmoji } from '../words/change-data.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { isRoom, mailboxName, personName, type MailboxName } from '../words/mailbox-name.ts';
import type { Message } from '../words/mailbox-store.ts';
import { NamedFiles } from '../words/message-files.ts';
import { isNameOf } from '../words/shown-name.ts';

const Fields = z.object({
  event: z.enum(CHANGE_TYPES).optional(),
  sender: z.string(),
  receiver: z.string(),
  message: z.string().optional(),
  of: z.string().optional(),
  emoji: z.string().optional(),
  replyTo: z.string().optional(),
  files: NamedFiles.optional(),
  key: z.string().optional(),
  name: z.string().optional(),
});

type Fields = z.infer<typeof Fields>;

/** What belongs to a message, and to each change. */
const PARTS = {
  message: ['message', 'replyTo', 'files'],
  edit: ['message', 'of'],
  remove: ['of'],
  react: ['of', 'emoji'],
};
const ALL_PARTS = ['message', 'of', 'emoji', 'replyTo', 'files'] as const;
const OPTIONAL: readonly string[] = ['replyTo', 'files'];
const EXPECTED =
  'A message has sender, receiver and message, each a string. An edit also has of; a remove has of, a react of and emoji instead of message.';

/** A message as somebody wants to send it. The server has yet to look at what it refers to. */
export interface NewMessage extends Omit<Message, 'files'> {
  readonly files?: z.infer<typeof NamedFiles> | undefined;
}

const KEY = /^[^\p{C}]{1,128}$/u;

/** A room is for short words. */
const MAX_IN_ROOM = 1000;

/** Reads what somebody wants to send: INVALID_MESSAGE, INVALID_NAME or MESSAGE_TOO_LONG if it is wrong in itself. */
export function readMessage(input: unknown, maxMessage: number, caller: Caller, headerKey?: string): NewMessage {
  const { event: type, message = '', of, emoji, replyTo, files, name, ...fields } = readFields(input);
  const hasText = type === undefined || type === 'edit';
  if (hasText && message === '' && !files) throw invalid('The message is empty. Write something.');
  if (emoji && !isEmoji(emoji)) throw invalid('"emoji" is one emoji, or empty to take the reaction back.');
  const sender = personName(fields.sender);
  const receiver = mailboxName(fields.receiver);
  const max = isRoom(receiver) ? Math.min(MAX_IN_ROOM, maxMessage) : maxMessage;
  if (message.length > max && codePoints(message) > max) {
    throw new MailboxError('MESSAGE_TOO_LONG', `The message is longer than ${max} characters. Send it in parts.`);
  }
  const key = readKey(fields.key, headerKey) ?? caller.messageKey ?? randomUUID();
  return { type, sender, receiver, ...readShownName(name, sender), message, of, emoji, replyTo, files, key };
}

function readFields(input: unknown): Fields {
  const { data: fields, error } = Fields.safeParse(input);
  const wrong = fields
    ? ALL_PARTS.filter((part) => !fits(part, fields))
    : error.issues.map(({ path }) => path.join('.'));
  if (fields && wrong.length === 0) return fields;
  throw invalid(`${EXPECTED} Check: ${wrong.join(', ')}.`);
}

/** Whether a part is there if it must be, and not there if the event has no such part. */
function fits(part: (typeof ALL_PARTS)[number], fields: Fields): boolean {
  const belongs = PARTS[fields.event ?? 'message'].includes(part);
  if (fields[part] !== undefined) return belongs;
  return !belongs || OPTIONAL.includes(part) || (part === 'message' && fields.files !== undefined);
}

function readShownName(name: string | undefined, sender: MailboxName): Pick<Message, 'name'> {
  if (name === undefined || name === sender) return {};
  if (isNameOf(sender, name)) return { name };
  throw invalid(`"name" must be the sender's name as people type it, and give ${sender} by GET /names.`);
}

function readKey(bodyKey: string | undefined, headerKey: string | undefined): string | undefined {
  const unquoted = headerKey?.replace(/^"(.*)"$/, '$1');
  const key = unquoted ?? bodyKey;
  if (key !== undefined && !KEY.test(key)) throw invalid('A key has 1 to 128 characters, and no control characters.');
  if (bodyKey !== undefined && bodyKey !== key) {
    throw invalid('Idempotency-Key and "key" differ. Send one of them.');
  }
  return key;
}

function codePoints(text: string): number {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

function invalid(why: string): MailboxError {
  return new MailboxError('INVALID_MESSAGE', why);
}
