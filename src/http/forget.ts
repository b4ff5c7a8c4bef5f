import { callerOf } from '../access/caller.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { mailboxName } from '../words/mailbox-name.ts';
import { sendNothing } from './answer.ts';
import type { Chat } from './chat.ts';
import { BUSY_RETRY_MS } from './open-stream.ts';
import { queryOf, type Handler } from './request.ts';

/** `DELETE /mailbox?receiver=henry`, for the command line alone: deletes the mailbox with its log, marks and locks. */
export function deleteMailbox({ store, streams }: Chat): Handler {
  return async (req, res) => {
    const mailbox = mailboxName(queryOf(req)['receiver']);
    if (!callerOf(req).administers)
      throw new MailboxError('FORBIDDEN', 'Refused: only mailbox-chat forget may delete a mailbox.');
    if (!store.forget) {
      const why = `This store cannot delete a mailbox: the mail of ${mailbox} is still there, and nothing was changed.`;
      throw new MailboxError('NOT_FOUND', `${why} Delete it with the tools of the store.`);
    }
    for (const stream of streams.of(mailbox)) stream.bye('busy', BUSY_RETRY_MS); // their cursors are void
    await store.forget(mailbox);
    sendNothing(res);
  };
}
