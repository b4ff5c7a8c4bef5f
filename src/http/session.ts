import { z } from 'zod';
import { MailboxError } from '../words/mailbox-error.ts';
import { sendJson } from './answer.ts';
import { readFields } from './body.ts';
import type { FrontOptions } from './front.ts';
import type { Handler } from './request.ts';

const Fields = z.object({ key: z.string().min(1).max(256) });
const MAX_BYTES = 1024;

/** `POST /session` {key}: trades the key of an invitation link for a cookie. */
export function postSession({ links }: FrontOptions): Handler {
  return async (req, res) => {
    const { key } = await readFields(req, Fields, MAX_BYTES, 'A session is asked for with {key}, a text.');
    if (!links) throw new MailboxError('NOT_FOUND', 'This chat has no invitation links, so nobody needs a key.');
    const { person, cookie } = links.trade(req, key);
    res.setHeader('Set-Cookie', cookie);
    sendJson(res, 200, { person });
  };
}
