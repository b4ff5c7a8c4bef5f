import { z } from 'zod';
import { MailboxError } from '../mailbox-error.ts';
import { mailboxName, personName } from '../mailbox-name.ts';
import { sendNothing } from './answer.ts';
import { readFields } from './body.ts';
import type { Chat } from './chat.ts';
import type { Handler } from './request.ts';

const Fields = z.object({ sender: z.string(), receiver: z.string() });
const MAX_BYTES = 1024;

/** How long the page shows it, unless it comes again. */
const FOR_MS = 6000;

/** `POST /typing` {sender, receiver}: told to the receiver's open pages, stored nowhere. */
export function postTyping({ live, door }: Chat): Handler {
  return async (req, res) => {
    const fields = Fields.safeParse(await readFields(req, MAX_BYTES));
    if (!fields.success) throw new MailboxError('INVALID_REQUEST', 'Typing is {sender, receiver}, each a text.');
    const sender = personName(fields.data.sender);
    const receiver = mailboxName(fields.data.receiver);

    await door.admit(req, sender);
    live.publish({ to: receiver, name: 'typing', data: JSON.stringify({ sender, receiver, forMs: FOR_MS }) });
    sendNothing(res);
  };
}
