import { accessSync, constants, realpathSync, statSync, statfsSync, type Stats } from 'node:fs';
import { dirname, join } from 'node:path';
import { READ, isAccessible, namesIn, readRange, statIfThere, withFile } from '../files/disk.ts';
import { checkLayout } from '../files/layout.ts';
import { LOCK_STALE_MS } from '../files/mailbox-locks.ts';
import {
  ACCESS,
  CHANGES,
  DELIVERED,
  FILES,
  LOCKS,
  MARKS,
  OWNER,
  TAKEN,
  isMailboxFile,
} from '../files/mailbox-paths.ts';
import { mountedMailboxes } from '../files/mount-points.ts';
import { isSuccessor } from '../files/successor.ts';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import { isMailboxName } from '../words/mailbox-name.ts';
import { ok, problem, quoted, warning, type Finding } from './finding.ts';

/** File system types from linux/magic.h: NFS, CIFS, SMB, 9P, FUSE, VirtualBox; then tmpfs and overlayfs. */
const NETWORKS = [0x6969, 0xff534d42, 0xfe534d42, 0x01021997, 0x65735546, 0x786f4256];
const FLEETING = [0x01021994, 0x794c7630];
const LOCAL = 'Use a local disk, or a volume: --dir <path>';
const READ_AND_WRITE = constants.R_OK | constants.W_OK;
/** After this time a writer has finished, and a working server has seen the change. */
const SETTLED_MS = 60_000;

/** `within`: the subdirectory that it is in, at any depth; '' if it is in the data directory itself. */
type Entry = Readonly<{ name: string; path: string; stat: Stats; within: string }>;

/** Examines a data directory, and changes nothing in it. */
export function examineDirectory(dir: string): Finding[] {
  const us = process.geteuid?.() ?? 0;
  try {
    checkLayout(dir);
    accessSync(dir, READ_AND_WRITE);
    const server = us || statSync(dir).uid; // root checks on behalf of the user whose directory it is
    const entries = entriesOf(dir);
    const found = [place(dir, entries), ...mailboxes(dir, entries, server), ...owners(dir, entries, server)];
    return [...found, ...locks(dir, entries)];
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) {
      const { path = dir, syscall, code } = error;
      const what = `${path} cannot be ${syscall === 'access' ? 'written' : 'read'} (${code}, running as uid ${us})`;
      const chown = `sudo chown -R ${us} ${quoted(path)}`;
      return [problem(what, `Run this as the server's user, or give it the directory: ${chown}`)];
    }
    if (!(error instanceof MailboxError) && !isErrno(error, 'ENOTDIR', 'EROFS')) throw error;
    return [problem(`${dir} cannot be used: ${error.message}`, 'Mend that, or choose another directory: --dir <path>')];
  }
}

/** Everything in a directory, and below it as far as we may read. */
function entriesOf(dir: string, within = ''): Entry[] {
  return namesIn(dir).flatMap((name) => {
    const path = join(dir, name);
    const stat = statIfThere(path);
    if (!stat) return [];
    const inside = stat.isDirectory() && isOurs(path) ? entriesOf(path, within || name) : [];
    return [{ name, path, stat, within }, ...inside];
  });
}

/** Whether we may use a file. One that has gone by now does no harm. */
function isOurs(path: string): boolean {
  return isAccessible(path, READ_AND_WRITE) || !statIfThere(path);
}

function place(dir: string, entries: readonly Entry[]): Finding {
  const { type, bavail, bsize } = statfsSync(dir);
  const freeMib = Math.floor((bavail * bsize) / 1024 ** 2);
  const count = entries.filter(({ name, within }) => within === '' && isMailboxFile(name)).length;
  const what = `${dir} can be written. Mailboxes: ${count}. Free space: ${freeMib} MiB`;
  if (NETWORKS.includes(type)) return problem(`${dir} is on a network: locks and appends are not safe there`, LOCAL);
  if (FLEETING.includes(type))
    return warning(`${dir} is lost at a reboot or with its container, and the mail in it`, LOCAL);
  return freeMib < 100 ? warning(what, 'Make room, or keep less mail: --keep-days, --keep-bytes') : ok(what);
}

function mailboxes(dir: string, entries: readonly Entry[], server: number): Finding[] {
  // During a take, the successor of a mailbox has two names for a moment.
  const taken = entries.filter(({ name, within, stat }) => within === TAKEN && stat.isFile() && isSuccessor(name));
  const successors = taken.map(({ stat }) => stat.ino);
  const mounted = mountedMailboxes(realpathSync(dir));
  return entries.flatMap(({ name, path, stat, within }) => {
    if (within !== '') return [];
    const isMisplaced =
      [ACCESS, CHANGES, DELIVERED, FILES, LOCKS, MARKS, OWNER, TAKEN].includes(name) && !stat.isDirectory();
    if (isMisplaced) return problem(`${path} ${kindOf(stat)}, not a directory`, moveAway(path, stat));
    if (!isMailboxFile(name)) return [];
    const from = quoted(path);
    if (mounted.includes(path))
      return warning(
        `${path} is a mount point: the server reads it, but cannot empty it`,
        'Mount the whole directory instead',
      );
    if (!stat.isFile() || (stat.nlink > 1 && !successors.includes(stat.ino))) {
      return problem(`${path} ${kindOf(stat)}, not a regular file: it takes no mail`, moveAway(path, stat));
    }
    const person = name.replace(/\.txt$/, '');
    const right = person.normalize('NFC').toLowerCase();
    if (!isMailboxName(person)) {
      const append = `Append it to ${right}.txt: cat ${from} >> ${quoted(join(dir, `${right}.txt`))} && rm ${from}`;
      const what = `${path} is not the mailbox of any valid name: mail in it reaches nobody`;
      return warning(what, isMailboxName(right) ? append : moveAway(path, stat));
    }
    if (endsInTheMiddle(path, stat)) {
      const what = `${path} has half a line at its end since ${stat.mtime.toISOString()}`;
      return warning(
        what,
        'Its writer can still finish it. Otherwise that half line is left out when the mailbox is read',
      );
    }
    if (server === 0 || stat.uid === server || stat.mode & 0o022) return [];
    const what = `${path} belongs to uid ${stat.uid}, who cannot write to it any more once it has been read`;
    return warning(what, `sudo chgrp <group of both> ${quoted(dir)}, then start with --group-writable`);
  });
}

/** Moves a file out of the directory, where it would be found again. Its mail goes into a new mailbox. */
function moveAway(path: string, stat: Stats): string {
  const [from, to] = [path, path.replace(/\/([^/]*)$/, '-$1')].map(quoted);
  return `mv ${from} ${to}${stat.isFile() && stat.nlink > 1 ? ` && cat ${to} >> ${from}` : ''}`;
}

function kindOf(stat: Stats): string {
  if (stat.isFIFO()) return 'is a FIFO';
  if (stat.isSymbolicLink()) return 'is a symbolic link';
  if (stat.isDirectory()) return 'is a directory';
  return stat.nlink > 1 ? `has ${stat.nlink} names (hard links)` : 'is a file';
}

function endsInTheMiddle(path: string, { size, mtimeMs }: Stats): boolean {
  if (size === 0 || Date.now() - mtimeMs < SETTLED_MS || !isAccessible(path, constants.R_OK)) return false;
  return !/[\r\n]$/.test(withFile(path, READ, (fd) => readRange(fd, size - 1, size)).toString('latin1'));
}

/**
 * Files that the server cannot use, because root made them in another user's directory (`sudo mailbox-chat invite`).
 */
function owners(dir: string, entries: readonly Entry[], server: number): Finding[] {
  const isShut = ({ path, stat: { uid, mode } }: Entry): boolean => {
    if (server === process.geteuid?.()) return !isOurs(path);
    return uid !== server && (mode & 0o060) !== 0o060 && (mode & 0o006) !== 0o006;
  };
  const shut = entries.filter(isShut).map(({ path }) => path);
  if (shut.length === 0) return [];
  const effect = shut.some((path) => path.includes(`/${ACCESS}`)) ? ': invitations are answered 503' : '';
  const what = `${shut[0]} cannot be read and written by uid ${server} (one of ${shut.length})${effect}`;
  return [problem(what, `sudo chown -R ${server} ${(shut.length > 10 ? [dir] : shut).map(quoted).join(' ')}`)];
}

function locks(dir: string, entries: readonly Entry[]): Finding[] {
  const all = entries.filter(({ path }) => dirname(path) === join(dir, LOCKS));
  const left = all.filter(({ stat }) => Date.now() - stat.mtimeMs > 2 * LOCK_STALE_MS);
  return left.map(({ path, stat }) => {
    const what = `${path} was left by a process that has gone, at ${stat.mtime.toISOString()}`;
    const isEmpty = stat.isDirectory() && !entries.some((entry) => dirname(entry.path) === path);
    if (isEmpty) return warning(what, `The next message to that mailbox removes it, or: rmdir ${quoted(path)}`);
    return problem(`${what}, as a file or with files in it: it stays`, `rm -r ${quoted(path)}`);
  });
}
