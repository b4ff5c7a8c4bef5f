import { z } from 'zod';
import type { LinkAccess } from '../access/link-access.ts';
import { MailboxError } from '../mailbox-error.ts';
import { readBody } from './body.ts';
import { sendJson, type Exchange } from './exchange.ts';

const Fields = z.object({ key: z.string().min(1).max(256) });
const MAX_BYTES = 1024;

/** `POST /session` {key}: trades the key of an invitation link for a cookie. */
export async function postSession({ req, res }: Exchange, access: LinkAccess | undefined): Promise<void> {
  const body = await readBody(req, MAX_BYTES);
  const fields = Fields.safeParse('fields' in body ? body.fields : undefined);
  if (!fields.success) throw new MailboxError('INVALID_REQUEST', 'A session is asked for with {key}, a text.');
  if (!access) throw new MailboxError('NOT_FOUND', 'This chat has no invitation links: nobody needs a key.');
  const admitted = access.admit(req, fields.data.key);
  if (!admitted) throw new MailboxError('UNAUTHORIZED', 'This link has expired. Ask for a new one.');

  res.setHeader('Set-Cookie', admitted.cookie);
  sendJson(res, 200, admitted.whose);
}
