import { backUp } from '../files/backup.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { requireDirectory, shown, unusable } from './directory.ts';
import { Ending, RUNTIME } from './ending.ts';
import { tell } from './terminal.ts';

/** Copies the mailboxes, whether or not a server uses them. */
export function backup(target: string, { dir }: { readonly dir: string }): void {
  requireDirectory(dir);
  const { leftOut, ...counts } = copied(dir, target);
  for (const path of leftOut) console.error(`Left out, because it is not a regular file: ${shown(dir)}/${path}`);
  const inWords = `Copied to ${shown(target)}. Mailboxes: ${counts.mailboxes}. Bytes: ${counts.bytes}.`;
  tell(inWords, { dir: shown(dir), target: shown(target), ...counts, leftOut });
}

function copied(dir: string, target: string): ReturnType<typeof backUp> {
  try {
    return backUp(dir, target);
  } catch (error) {
    if (error instanceof MailboxError) throw unusable(dir, error);
    const why = error instanceof Error ? error.message : String(error);
    throw new Ending(RUNTIME, `The backup could not be finished: ${why}.`, [`Remove ${shown(target)} and try again.`], {
      cause: error,
    });
  }
}
