import { z } from 'zod';
import type { Live } from '../live.ts';
import { MailboxError } from '../mailbox-error.ts';
import { mailboxName, personName } from '../mailbox-name.ts';
import { readBody } from './body.ts';
import type { Door } from './door.ts';
import { sendNothing, type Exchange } from './exchange.ts';

const Fields = z.object({ sender: z.string(), receiver: z.string() });
const MAX_BYTES = 1024;

/** How long the page shows it, unless it comes again. */
const FOR_MS = 6000;

/** `POST /typing` {sender, receiver}: told to the receiver's open pages, stored nowhere. */
export async function postTyping({ req, res }: Exchange, live: Live, door: Door): Promise<void> {
  const body = await readBody(req, MAX_BYTES);
  const fields = Fields.safeParse('fields' in body ? body.fields : undefined);
  if (!fields.success) throw new MailboxError('INVALID_REQUEST', 'Typing is {sender, receiver}, each a text.');
  const sender = personName(fields.data.sender);
  const receiver = mailboxName(fields.data.receiver);

  await door.admit(req, sender);
  live.publish({ to: receiver, name: 'typing', data: JSON.stringify({ sender, receiver, forMs: FOR_MS }) });
  sendNothing(res);
}
