import { z } from 'zod';
import { admit, callerOf } from '../access/caller.ts';
import { mailboxName, personName } from '../words/mailbox-name.ts';
import { sendNothing } from './answer.ts';
import { readFields } from './body.ts';
import type { Chat } from './chat.ts';
import type { Handler } from './request.ts';

const Fields = z.object({ sender: z.string(), receiver: z.string() });
const MAX_BYTES = 1024;

/** How long a page shows that somebody types, unless it is told again. */
const FOR_MS = 6000;

/** `POST /typing` {sender, receiver}: tells the receiver's open pages. Nothing is stored. */
export function postTyping({ live, asks }: Chat): Handler {
  return async (req, res) => {
    const fields = await readFields(req, Fields, MAX_BYTES, 'A typing notice is {sender, receiver}, each a string.');
    const sender = personName(fields.sender);
    const receiver = mailboxName(fields.receiver);

    admit(callerOf(req), sender);
    asks.count(callerOf(req).address, sender);
    live.publish({ to: receiver, name: 'typing', data: JSON.stringify({ sender, receiver, forMs: FOR_MS }) });
    sendNothing(res);
  };
}
