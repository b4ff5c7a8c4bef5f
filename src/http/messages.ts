import type { IncomingMessage } from 'node:http';
import { callerOf } from '../access/caller.ts';
import { sendJsonText } from './answer.ts';
import { readBody } from './body.ts';
import type { Chat } from './chat.ts';
import { formFields, header, queryTextOf, type Handler } from './request.ts';
import { sendMessage } from './send-message.ts';

/** In JSON, a code point takes at most two escapes of six bytes. */
const BYTES_PER_CODE_POINT = 12;
/** For the names, the key and the files. */
const BYTES_BESIDE = 40_000;

/** `POST /messages`: 201 once the message is on disk, 200 if it was stored before under the same key. */
export function postMessage(chat: Chat): Handler {
  return async (req, res) => {
    const fields = await readPosted(req, chat.maxMessage * BYTES_PER_CODE_POINT + BYTES_BESIDE);

    const { text, repeated } = await sendMessage(fields, callerOf(req), chat, header(req, 'idempotency-key'));
    sendJsonText(res, repeated ? 200 : 201, text);
  };
}

/** `GET /messages?sender=&receiver=&message=`, as the prototype's page sends. It changes no message. */
export function getMessage(chat: Chat): Handler {
  return async (req, res) => {
    const { text } = await sendMessage({ ...formFields(queryTextOf(req)), event: undefined }, callerOf(req), chat);
    sendJsonText(res, 200, text);
  };
}

/** The fields of a message. If the body is plain text, the others are in the query. */
async function readPosted(req: IncomingMessage, maxBytes: number): Promise<unknown> {
  const body = await readBody(req, maxBytes);
  if ('fields' in body) return body.fields;
  return { ...formFields(queryTextOf(req)), message: body.text };
}
