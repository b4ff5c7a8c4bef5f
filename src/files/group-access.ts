/** Lets the directory's group append to mailboxes, for programs of another user, such as a PHP page. */
import { chmodSync, fchmodSync, fchownSync, fstatSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../words/mailbox-error.ts';
import { READ, namesIn, withFile } from './disk.ts';
import { isMailboxFile } from './mailbox-paths.ts';

/** The group may make files, and they belong to that group, too. Its members can rename and remove only their own. */
const DIRECTORY_MODE = 0o3770;
export const GROUP_FILE_MODE = 0o660;
const GROUP_BITS = 0o060;

/** Opens a directory and its mailboxes to its group. By then the private directories have been made. */
export function admitGroup(dir: string): void {
  const { gid } = statSync(dir);
  for (const name of namesIn(dir).filter(isMailboxFile)) {
    try {
      withFile(join(dir, name), READ, (fd) => admitTo(fd, gid));
    } catch (error) {
      // Not ours to open, or no file: its use will show what it is.
      if (!isErrno(error, 'EACCES', 'EPERM', 'ENOENT', 'ELOOP', 'ENXIO', 'ENODEV')) throw error;
    }
  }
  chmodSync(dir, DIRECTORY_MODE);
}

function admitTo(fd: number, gid: number): void {
  const stat = fstatSync(fd);
  if (!stat.isFile() || stat.nlink > 1) return;
  if (stat.gid !== gid) fchownSync(fd, stat.uid, gid);
  fchmodSync(fd, (stat.mode & 0o777) | GROUP_FILE_MODE);
}

/**
 * Which files count as mailboxes. A member of the group may hard-link a file from elsewhere into the directory. We read
 * and write a file with several names only if the group may do so itself.
 */
export function groupFilesIn(dir: string): (stat: Stats) => boolean {
  const { gid } = statSync(dir);
  return (stat) => stat.nlink === 1 || (stat.gid === gid && (stat.mode & GROUP_BITS) === GROUP_BITS);
}
