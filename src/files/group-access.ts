/** Lets the directory's group append to mailboxes, for programs of another user, such as a PHP page. */
import { chmodSync, fchmodSync, fstatSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../words/mailbox-error.ts';
import { READ, namesIn, withFile } from './disk.ts';
import { isMailboxFile } from './mailbox-paths.ts';

/** The group may make files, and they belong to that group, too. */
const DIRECTORY_BITS = 0o2070;
export const GROUP_FILE_MODE = 0o660;

/** Opens a directory and its mailboxes to its group. */
export function admitGroup(dir: string): void {
  chmodSync(dir, statSync(dir).mode | DIRECTORY_BITS);
  for (const name of namesIn(dir).filter(isMailboxFile)) {
    try {
      withFile(join(dir, name), READ, (fd) => {
        const stat = fstatSync(fd);
        if (stat.isFile() && stat.nlink === 1) fchmodSync(fd, stat.mode | GROUP_FILE_MODE);
      });
    } catch (error) {
      // It is not ours, or not a file: using the mailbox reports it.
      if (!isErrno(error, 'EACCES', 'EPERM', 'ENOENT', 'ELOOP', 'ENXIO', 'ENODEV')) throw error;
    }
  }
}
