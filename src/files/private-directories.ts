import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { MailboxError } from '../words/mailbox-error.ts';
import { makeDirectory } from './disk.ts';
import { DELIVERED, LOCKS, MARKS, TAKEN } from './mailbox-paths.ts';

/** Makes the server's own directories in a data directory. MAILBOX_UNUSABLE if one is a link, or belongs to another user. */
export function makePrivateDirectories(dir: string): void {
  for (const name of [TAKEN, DELIVERED, MARKS, LOCKS]) {
    const path = join(dir, name);
    makeDirectory(path);
    const stat = lstatSync(path);
    if (stat.isDirectory() && stat.uid === process.geteuid!()) continue;
    const why = `${path} is a link, or belongs to another user, who could read or change mail. Move it away, then start again.`;
    throw new MailboxError('MAILBOX_UNUSABLE', why);
  }
}
