import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  futimesSync,
  linkSync,
  openSync,
  readdirSync,
  realpathSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isSha256 } from '../words/file-store.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { READ, borrowRange, ifThere, setModeAndOwner, makeDirectory, namesIn, statIfThere, withFile } from './disk.ts';
import { FLOOR_FILE } from './floor.ts';
import { isDraft } from './pieces.ts';
import { isSuccessor } from './successor.ts';
import { LAYOUT, LAYOUT_FILE, OLD_LAYOUT, UNFINISHED, checkLayout, writeLayout } from './layout.ts';
import { LIVE, TORN, checkNobodyServes } from './layout-one.ts';
import {
  ACCESS,
  CHANGES,
  DELIVERED,
  FILES,
  LOCKS,
  MARKS,
  MailboxPaths,
  OWNER,
  TAKEN,
  mailboxesIn,
} from './mailbox-paths.ts';
import { checkPrivateDirectory } from './private-directories.ts';
import { NEW_FILE } from './replace-file.ts';

interface BackedUp {
  readonly mailboxes: number;
  readonly files: number;
  readonly bytes: number;
  /** Paths in `dir` that were not copied: neither plain files nor directories of ours. */
  readonly leftOut: readonly string[];
}

const OURS_TO_FILL: readonly string[] = [DELIVERED, MARKS, TAKEN];
/** What `theRest` does not copy: it is copied elsewhere, or of no use in a backup. */
const OURS: readonly string[] = [...OURS_TO_FILL, ACCESS, CHANGES, FILES, LAYOUT_FILE, LOCKS, OWNER, LIVE, TORN];
const MAX_ATTEMPTS = 1000;
const CHUNK_BYTES = 256 * 1024;

/**
 * Copies a data directory to `target`, which must be empty or not exist. A server may be using the directory. The copy has
 * everything that was accepted before the call, and keeps modes, owners and times. Throws INVALID_TARGET, UNKNOWN_LAYOUT,
 * MAILBOX_BUSY or the system's error. Then the copy is marked as unfinished.
 */
export function backUp(dir: string, target: string): BackedUp {
  const layout = checkLayout(dir) ? LAYOUT : OLD_LAYOUT;
  if (layout === OLD_LAYOUT) checkNobodyServes(dir);
  for (const name of [...OURS_TO_FILL, ACCESS, CHANGES, FILES]) checkPrivateDirectory(join(dir, name), dir);
  checkTarget(dir, target);
  makeDirectory(target);
  writeLayout(target, UNFINISHED);
  const copy = new Copy(dir, target);
  for (const name of OURS_TO_FILL) copy.makeDirectory(join(dir, name));
  copy.directory(join(dir, CHANGES)); // first: what is not erased yet in the copy is erased when it is used
  const names = mailboxesIn(dir);
  for (const name of names) copy.mailbox(name);
  copy.namedFiles(); // last, so that each file is there that the mail names
  copy.theRest();
  copy.finish(String(layout));
  return { mailboxes: names.length, files: copy.files, bytes: copy.bytes, leftOut: [...copy.leftOut] };
}

function checkTarget(dir: string, target: string): void {
  const stat = statIfThere(target);
  const isEmpty = stat?.isDirectory() === true && readdirSync(target).length === 0;
  if (stat && !isEmpty) throw wrongTarget(`${target} exists and is not an empty directory`);
  const fromDir = relative(realpathSync(dir), realOf(target));
  if (fromDir !== '..' && !fromDir.startsWith(`..${sep}`)) throw wrongTarget(`${target} lies in ${dir} itself`);
}

function wrongTarget(why: string): MailboxError {
  return new MailboxError('INVALID_TARGET', `${why}: nothing was copied. Name a directory that is new or empty.`);
}

/** The real path of a file that may not exist yet. */
function realOf(path: string): string {
  const whole = resolve(path);
  if (statIfThere(whole) || dirname(whole) === whole) return realpathSync(whole);
  return join(realOf(dirname(whole)), basename(whole));
}

class Copy {
  readonly #dir: string;
  readonly #target: string;
  readonly leftOut = new Set<string>();
  files = 0;
  bytes = 0;

  constructor(dir: string, target: string) {
    this.#dir = dir;
    this.#target = target;
  }

  /**
   * Copies a mailbox as it is at one moment: opens its files, then checks that they are still the same. If a take or a merge
   * came in between, it starts again, so each message is in the copy once. Marks are copied first, since they must not be
   * ahead of the log.
   */
  mailbox(name: MailboxName): void {
    const paths = new MailboxPaths(this.#dir, name);
    this.#file(paths.marks);
    for (const dir of [paths.taken, paths.delivered]) this.makeDirectory(dir);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const before = filesOf(paths);
      for (const path of before.delivered) if (!statIfThere(this.#inCopy(path))) this.#file(path);
      const open = before.others.map((path) => ({ path, fd: this.#open(path) }));
      try {
        if (isDeepStrictEqual(filesOf(paths), before)) {
          for (const { path, fd } of open) if (fd !== undefined) this.#copy(fd, path);
          this.#removeBut(paths.delivered, before.delivered);
          return;
        }
      } finally {
        for (const { fd } of open) if (fd !== undefined) closeSync(fd);
      }
    }
    throw new MailboxError('MAILBOX_BUSY', `The files of ${name} keep changing. Try again.`);
  }

  /** Makes a directory in the copy, if it is there in the original. */
  makeDirectory(path: string): void {
    if (statIfThere(path)?.isDirectory()) makeDirectory(this.#inCopy(path));
  }

  #inCopy(path: string): string {
    return join(this.#target, relative(this.#dir, path));
  }

  /** Removes copies of pieces that were merged since then. */
  #removeBut(dir: string, paths: readonly string[]): void {
    const copied = this.#inCopy(dir);
    for (const name of namesIn(copied)) if (!paths.includes(join(dir, name))) rmSync(join(copied, name));
  }

  /** Copies the files that mail names. Their claims are second names of them, and remain that. */
  namedFiles(dir = join(this.#dir, FILES), copies = new Map<string, string>()): void {
    this.makeDirectory(dir);
    for (const path of namesIn(dir).map((name) => join(dir, name))) {
      const hash = path.split(sep).findLast(isSha256);
      const known = copies.get(hash ?? '');
      if (statIfThere(path)?.isDirectory()) this.namedFiles(path, copies);
      else if (known !== undefined) linkSync(known, this.#inCopy(path));
      else if (hash !== undefined && this.#file(path)) copies.set(hash, this.#inCopy(path));
    }
  }

  /** Copies invitations, and other plain files beside the mailboxes. */
  theRest(): void {
    this.directory(join(this.#dir, ACCESS));
    this.#file(join(this.#dir, FLOOR_FILE));
    for (const name of namesIn(this.#dir)) {
      if (!OURS.includes(name) && !statIfThere(join(this.#target, name))) this.#file(join(this.#dir, name));
    }
  }

  /** Copies the plain files in a directory. */
  directory(dir: string): void {
    this.makeDirectory(dir);
    for (const name of namesIn(dir)) this.#file(join(dir, name));
  }

  /** False if it is not there any more, or is not a plain file. */
  #file(path: string): boolean {
    const fd = this.#open(path);
    if (fd === undefined) return false;
    try {
      this.#copy(fd, path);
      return true;
    } finally {
      closeSync(fd);
    }
  }

  /** Undefined if the file is gone, or is not a plain file. */
  #open(path: string): number | undefined {
    if (statIfThere(path)?.isFile() === false) {
      this.leftOut.add(relative(this.#dir, path));
      return undefined;
    }
    return ifThere(() => openSync(path, READ));
  }

  /** Copies what is in the file now: it may grow meanwhile. */
  #copy(fd: number, path: string): void {
    const stat = fstatSync(fd);
    const copy = this.#inCopy(path);
    makeDirectory(dirname(copy));
    withFile(copy, NEW_FILE, (to) => {
      copyBytes(fd, stat.size, to);
      setModeAndOwner(to, stat);
      futimesSync(to, stat.atime, stat.mtime);
      fsyncSync(to);
    });
    this.files += 1;
    this.bytes += stat.size;
  }

  /** Directories get their modes and owners last, since a read-only one could not be filled. */
  finish(layout: string): void {
    writeLayout(this.#target, layout);
    const found = readdirSync(this.#target, { recursive: true, withFileTypes: true });
    const directories = found.flatMap((entry) => (entry.isDirectory() ? [join(entry.parentPath, entry.name)] : []));
    for (const path of [this.#target, ...directories].toReversed()) {
      const stat = statIfThere(join(this.#dir, relative(this.#target, path)));
      withFile(path, constants.O_RDONLY | constants.O_DIRECTORY, (fd) => {
        fsyncSync(fd);
        if (stat) setModeAndOwner(fd, stat);
      });
    }
  }
}

/** Copies the first `size` bytes, fewer if the file is shorter. */
function copyBytes(from: number, size: number, to: number): void {
  for (let at = 0; at < size;) {
    const chunk = borrowRange(from, at, Math.min(size, at + CHUNK_BYTES));
    if (chunk.length === 0) break;
    at += writeSync(to, chunk);
  }
}

/** The files of a mailbox: `delivered` do not change any more, so their names tell them apart; the others are told apart by inode. */
function filesOf(paths: MailboxPaths): { delivered: string[]; others: string[]; inodes: (number | undefined)[] } {
  const pathsIn = (dir: string): string[] => namesIn(dir).flatMap((name) => (isMade(name) ? join(dir, name) : []));
  const [delivered, taken] = [pathsIn(paths.delivered), pathsIn(paths.taken)];
  const others = [paths.file, ...taken]; // the mailbox first: late mail in it must come from pieces that are in the copy as they were then
  return { delivered, others, inodes: others.map((path) => statIfThere(path)?.ino) };
}

function isMade(name: string): boolean {
  return !isSuccessor(name) && !isDraft(name);
}
