/**
 * The server's own directories in a data directory. Nobody else may read them or write to them. Programs that may write
 * to the data directory could put something else in their place, so they are checked before they are used.
 */
import { chmodSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import { DIRECTORY_MODE, makeDirectory, statIfThere } from './disk.ts';
import { ACCESS, CHANGES, DELIVERED, FILES, LOCKS, MARKS, OWNER, TAKEN } from './mailbox-paths.ts';
import { removeDrafts } from './replace-file.ts';

const OTHERS_BITS = 0o077;
const OTHERS_WRITE = 0o022;
const STICKY = 0o1000;
const MAIL: readonly string[] = [TAKEN, DELIVERED, MARKS, LOCKS];
const ALL: readonly string[] = [...MAIL, ACCESS, CHANGES, FILES, OWNER];

/** Makes all of them. MAILBOX_UNUSABLE if one is a link, belongs to another user or is open to others. */
export function makePrivateDirectories(dir: string): void {
  keepOthersFromRenaming(dir);
  for (const name of ALL) makePrivateDirectory(join(dir, name), dir);
  for (const name of ['.', MARKS, ACCESS]) removeDrafts(join(dir, name));
}

/** Makes one of them, with the same error. */
export function makePrivateDirectory(path: string, dir: string): void {
  if (!statIfThere(path)) makeDirectory(path);
  const stat = statIfThere(path);
  // For example after `cp -r`: others could read it, but not change it.
  const isOnlyRead = stat?.isDirectory() === true && isOurs(stat, dir) && (stat.mode & OTHERS_WRITE) === 0;
  if (isOnlyRead && (stat.mode & OTHERS_BITS) !== 0) chmodSync(path, DIRECTORY_MODE);
  checkPrivateDirectory(path, dir);
}

/** Checks the directories of the mail. A missing one is no error: it is made again when it is needed. */
export function checkPrivateDirectories(dir: string): void {
  for (const name of MAIL) checkPrivateDirectory(`${dir}/${name}`, dir);
}

/** MAILBOX_UNUSABLE if `path` is something that others may read or change. */
export function checkPrivateDirectory(path: string, dir: string): void {
  const stat = statIfThere(path);
  const why = stat && whyNot(stat, path, dir);
  if (why !== undefined) throw new MailboxError('MAILBOX_UNUSABLE', why);
}

/** Whether a file in a data directory belongs to this user, to root or to the directory's owner. */
export function isTrusted({ uid }: Stats, dir: string): boolean {
  return uid === process.geteuid!() || uid === 0 || uid === statSync(dir).uid;
}

function whyNot(stat: Stats, path: string, dir: string): string | undefined {
  const moveAway = `Others could read and change the mail there. Move it away, then start again: mv ${path} ${path}-old`;
  if (!stat.isDirectory()) return `${path} is a ${stat.isSymbolicLink() ? 'link' : 'file'}, no directory. ${moveAway}`;
  if (!isOurs(stat, dir)) {
    const ours = stat.uid === 0 ? ` If root made it for you: chown -R ${process.geteuid!()} ${path}` : '';
    return `${path} belongs to uid ${stat.uid}. ${moveAway}${ours}`;
  }
  if ((stat.mode & OTHERS_BITS) === 0) return undefined;
  const mode = (stat.mode & 0o777).toString(8);
  return `${path} is open to others (mode ${mode}). Make sure that all files in it are yours, then: chmod 700 ${path}`;
}

/** Root also uses what belongs to the data directory's owner. */
function isOurs({ uid }: Stats, dir: string): boolean {
  const us = process.geteuid!();
  return uid === us || (us === 0 && uid === statSync(dir).uid);
}

/** With the sticky bit, others who may write to the directory can rename and remove only their own files. */
function keepOthersFromRenaming(dir: string): void {
  const { mode } = statSync(dir);
  if ((mode & OTHERS_WRITE) === 0 || (mode & STICKY) !== 0) return;
  try {
    chmodSync(dir, (mode & 0o7777) | STICKY);
  } catch (error) {
    if (!isErrno(error, 'EPERM')) throw error; // only its owner can do that
  }
}
