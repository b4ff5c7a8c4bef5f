import { MailboxError } from '../words/mailbox-error.ts';
import { statIfThere } from './disk.ts';
import type { MailLog } from './mail-log.ts';

/**
 * Makes the mailbox file if there is none. MAILBOX_FULL if too many new mailboxes were made. `hold` takes the lock, after
 * that check: a refused name needs none.
 */
export async function makeMailbox(log: MailLog, hold: () => Promise<void>): Promise<void> {
  const { paths, context, pieces, current } = log;
  const isMissing = current.ino === undefined && !statIfThere(paths.file);
  if (isMissing && pieces.length === 0 && !context.mayMake()) {
    const why = 'Too many new mailboxes were made. Write to an existing one, or ask whoever runs this server.';
    throw new MailboxError('MAILBOX_FULL', why);
  }
  await hold();
  if (!isMissing || statIfThere(paths.file)) return;
  current.make(context.fileMode);
  if (current.ino !== undefined) context.onReplaced(paths.file);
}

/** Makes it for a listener, who can also wait until another program makes it. */
export async function makeForListener(log: MailLog, hold: () => Promise<void>): Promise<void> {
  try {
    await makeMailbox(log, hold);
  } catch (error) {
    if (!(error instanceof MailboxError && error.code === 'MAILBOX_FULL')) throw error;
  }
}
