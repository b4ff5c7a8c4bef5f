import { MailboxError } from '../words/mailbox-error.ts';
import { statIfThere } from './disk.ts';
import type { MailLog } from './mail-log.ts';
import { readOn } from './read-on.ts';

/**
 * Makes the mailbox file if there is none. MAILBOX_FULL if too many new mailboxes were made. `hold` takes the lock, after
 * that check: a refused name needs none.
 */
export async function makeMailbox(log: MailLog, hold: () => Promise<void>): Promise<void> {
  const { paths, context, pieces, current } = log;
  const isMissing = current.ino === undefined && !statIfThere(paths.file);
  if (isMissing && pieces.length === 0 && !context.mayMake(paths.name)) {
    const why = 'Too many new mailboxes were made. Write to an existing one, or ask whoever runs this server.';
    throw new MailboxError('MAILBOX_FULL', why);
  }
  await hold();
  if (!isMissing || statIfThere(paths.file)) return;
  current.make(context.fileMode);
  if (current.ino !== undefined) context.onReplaced(paths.file);
}

/** A listener makes no mailbox. One that has a log and was removed is made again, for other programs. */
export async function readOnForListener(log: MailLog, hold: () => Promise<void>): Promise<void> {
  const wasMissing = log.current.ino === undefined;
  await readOn(log);
  if (log.current.ino === undefined && log.pieces.length > 0) await makeMailbox(log, hold);
  else if (wasMissing && log.current.ino !== undefined) log.context.onReplaced(log.paths.file);
}
