import { linkSync, rmSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { isErrno } from '../words/mailbox-error.ts';
import { setModeAndOwner, randomName, withFile } from './disk.ts';
import { NEW_FILE } from './replace-file.ts';

const PREFIX = 'successor-';

/** Makes the empty file that is to become the mailbox when the old one is renamed away. It gets the old one's mode, group and owner. */
export function makeSuccessor(dir: string, like: Pick<Stats, 'mode' | 'uid' | 'gid'>): string {
  const path = join(dir, `${PREFIX}${randomName()}`);
  withFile(path, NEW_FILE, (fd) => setModeAndOwner(fd, like));
  return path;
}

/** Puts the successor in the mailbox's place, unless another program has already made a new mailbox there. */
export function linkSuccessor(successor: string, mailbox: string): void {
  try {
    linkSync(successor, mailbox);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error;
  }
  rmSync(successor, { force: true });
}

/** Whether this is the name of a successor that never got its place, because the process died. */
export function isSuccessor(name: string): boolean {
  return name.startsWith(PREFIX);
}
