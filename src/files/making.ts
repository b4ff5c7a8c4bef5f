import { MailboxError } from '../words/mailbox-error.ts';
import { statIfThere } from './disk.ts';
import type { MailLog } from './mail-log.ts';

/** Makes the mailbox file if it is not there, when it may be made. `hold` comes between: a name that is refused needs no lock. */
export async function makeMailbox(log: MailLog, hold: () => Promise<void>): Promise<void> {
  const { paths, context, pieces, current } = log;
  const isMissing = current.ino === undefined && !statIfThere(paths.file);
  if (isMissing && pieces.length === 0 && !context.mayMake()) {
    const why = 'Too many new mailboxes were made. Write to one that exists, or ask who runs this.';
    throw new MailboxError('MAILBOX_FULL', why);
  }
  await hold();
  if (!isMissing || statIfThere(paths.file)) return;
  current.make(context.fileMode);
  if (current.ino !== undefined) context.onReplaced(paths.file);
}

/** The same for a listener, who needs no file: where none may be made, he waits for another program to make it. */
export async function makeForListener(log: MailLog, hold: () => Promise<void>): Promise<void> {
  try {
    await makeMailbox(log, hold);
  } catch (error) {
    if (!(error instanceof MailboxError && error.code === 'MAILBOX_FULL')) throw error;
  }
}
