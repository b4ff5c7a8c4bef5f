import { z } from 'zod';
import { admit, callerOf } from '../access/caller.ts';
import { personName } from '../words/mailbox-name.ts';
import { checkCursor } from './since.ts';
import { sendNothing } from './answer.ts';
import { readFields } from './body.ts';
import type { Chat } from './chat.ts';
import type { Handler } from './request.ts';

const Fields = z.object({
  receiver: z.string(),
  sender: z.string().optional(),
  delivered: z.string().optional(),
  read: z.string().optional(),
});
const MAX_BYTES = 4096;
const EXPECTED = 'A receipt is {receiver, sender?, delivered?, read?}, each a string.';

/** `POST /receipts` {receiver, sender?, delivered?, read?}: up to which id mail was received, and read. */
export function postReceipts({ receipts, store, asks }: Chat): Handler {
  return async (req, res) => {
    const { delivered, read, ...fields } = await readFields(req, Fields, MAX_BYTES, EXPECTED);
    const receiver = personName(fields.receiver);
    const sender = read === undefined ? undefined : personName(fields.sender);
    admit(callerOf(req), receiver);
    asks.count(callerOf(req).address, receiver);
    if (delivered !== undefined) await checkCursor(delivered, store, receiver, 'delivered');
    if (read !== undefined) await checkCursor(read, store, receiver, 'read');

    if (delivered !== undefined) await receipts.delivered(receiver, delivered);
    if (sender !== undefined && read !== undefined) await receipts.read(receiver, sender, read);
    sendNothing(res);
  };
}
