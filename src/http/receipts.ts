import { z } from 'zod';
import { MailboxError } from '../mailbox-error.ts';
import { personName } from '../mailbox-name.ts';
import type { MailboxStore } from '../mailbox-store.ts';
import { readBody } from './body.ts';
import { checkCursor } from './cursor.ts';
import { sendNothing, type Exchange } from './exchange.ts';

const Fields = z.object({
  receiver: z.string(),
  sender: z.string().optional(),
  delivered: z.string().optional(),
  read: z.string().optional(),
});
const MAX_BYTES = 4096;

/** `POST /receipts` {receiver, sender?, delivered?, read?}: up to which id mail has come, and been read. */
export async function postReceipts({ req, res }: Exchange, store: MailboxStore): Promise<void> {
  const body = await readBody(req, MAX_BYTES);
  const fields = Fields.safeParse('fields' in body ? body.fields : undefined);
  if (!fields.success) {
    throw new MailboxError('INVALID_REQUEST', 'A receipt is {receiver, sender?, delivered?, read?}, each a text.');
  }
  const { delivered, read } = fields.data;
  const receiver = personName(fields.data.receiver);
  const sender = read === undefined ? undefined : personName(fields.data.sender);
  const { newest } = await store.ends(receiver);
  if (delivered !== undefined) checkCursor(delivered, newest, store, 'delivered');
  if (read !== undefined) checkCursor(read, newest, store, 'read');

  if (delivered !== undefined) await store.mark(receiver, 'delivered', delivered);
  if (read !== undefined) await store.mark(receiver, `read:${sender!}`, read);
  sendNothing(res);
}
