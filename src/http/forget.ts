import { callerOf } from '../access/caller.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { mailboxName } from '../words/mailbox-name.ts';
import { sendNothing } from './answer.ts';
import type { Chat } from './chat.ts';
import { BUSY_RETRY_MS } from './open-stream.ts';
import { queryOf, type Handler } from './request.ts';

/** `DELETE /mailbox?receiver=henry`, for the command line alone: leaves nothing of the mailbox behind. */
export function deleteMailbox({ store, streams }: Chat): Handler {
  return async (req, res) => {
    const mailbox = mailboxName(queryOf(req)['receiver']);
    if (!callerOf(req).administers) throw new MailboxError('FORBIDDEN', 'Refused: use mailbox-chat forget.');
    if (!store.forget) {
      const why = `This store cannot forget: the mail of ${mailbox} is still there, and nothing was changed.`;
      throw new MailboxError('NOT_FOUND', `${why} Remove it by the means of the store itself.`);
    }
    for (const stream of streams.of(mailbox)) stream.bye('busy', BUSY_RETRY_MS); // their cursors are gone, too
    await store.forget(mailbox);
    sendNothing(res);
  };
}
