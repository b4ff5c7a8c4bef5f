import { closeSync, constants, fstatSync, fsyncSync, futimesSync, openSync, readdirSync, realpathSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';
import { READ, SAFELY, copyRange, ifThere, imitate, makeDirectory, namesIn, statIfThere, withFile } from './disk.ts';
import { LAYOUT, LAYOUT_FILE, UNFINISHED, checkLayout, writeLayout } from './layout.ts';
import {
  ACCESS,
  DELIVERED,
  HOST,
  LIVE,
  LOCKS,
  MARKS,
  MailboxPaths,
  SOCKET,
  TAKEN,
  TORN,
  mailboxesIn,
} from './mailbox-paths.ts';
import { listTakes } from './takes.ts';

export interface BackedUp {
  readonly mailboxes: number;
  readonly files: number;
  readonly bytes: number;
  /** What was not copied, from `dir`: it is neither a plain file nor a directory of ours. */
  readonly leftOut: readonly string[];
}

/** Copied mailbox by mailbox, or not at all: how running servers find each other is of no use in a copy. */
const OURS: readonly string[] = [ACCESS, DELIVERED, HOST, LAYOUT_FILE, LIVE, LOCKS, MARKS, SOCKET, TAKEN, TORN];
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | SAFELY;

/**
 * Copies a data directory, whether or not servers work on it, to `target`, which is empty or not there. Everything that
 * was accepted before the call is in the copy; modes, owners and times are kept. Throws INVALID_TARGET, UNKNOWN_LAYOUT,
 * or the system's error; what was copied by then says that it is unfinished.
 */
export function backUp(dir: string, target: string): BackedUp {
  checkLayout(dir);
  checkTarget(dir, target);
  makeDirectory(target);
  writeLayout(target, UNFINISHED);
  const copy = new Copy(dir, target);
  const names = mailboxesIn(dir);
  for (const name of names) copy.mailbox(name);
  copy.theRest();
  copy.finish();
  return { mailboxes: names.length, files: copy.files, bytes: copy.bytes, leftOut: [...copy.leftOut] };
}

function checkTarget(dir: string, target: string): void {
  const stat = statIfThere(target);
  const isEmpty = stat?.isDirectory() === true && readdirSync(target).length === 0;
  if (stat && !isEmpty) throw wrongTarget(`${target} is there and not an empty directory`);
  const fromDir = relative(realpathSync(dir), realOf(target));
  if (fromDir !== '..' && !fromDir.startsWith(`..${sep}`)) throw wrongTarget(`${target} lies in ${dir} itself`);
}

function wrongTarget(why: string): MailboxError {
  return new MailboxError('INVALID_TARGET', `${why}: nothing was copied. Name a directory that is new or empty.`);
}

/** Where a path that may not be there yet would lie. */
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
   * In the direction in which mail moves, mailbox, takes, log: what leaves one place before it is copied is copied in
   * the next. Marks before all, since they may not be ahead of the log; what was set aside last, since the log says so
   * first. What is copied twice is known again by its key; only other programs' mail may come again.
   */
  mailbox(name: MailboxName): void {
    const paths = new MailboxPaths(this.#dir, name);
    this.#file(paths.marks);
    this.#file(paths.file);
    this.#takes(paths.takes);
    this.#directory(paths.log);
    this.#directory(paths.torn);
  }

  /** One that is gone is in the log by now, or has got another place in the order. Newer ones were in the mailbox. */
  #takes(dir: string): void {
    for (const { id, path } of listTakes(dir)) {
      if (this.#file(path)) continue;
      const moved = listTakes(dir).find((take) => take.id === id);
      if (moved) this.#file(moved.path);
    }
  }

  /** Invitations, and other plain files that lie among the mailboxes. */
  theRest(): void {
    this.#directory(join(this.#dir, ACCESS));
    for (const name of namesIn(this.#dir)) {
      if (!OURS.includes(name) && !statIfThere(join(this.#target, name))) this.#file(join(this.#dir, name));
    }
  }

  #directory(dir: string): void {
    for (const name of namesIn(dir)) this.#file(join(dir, name));
  }

  /** False when it is gone, or no plain file. It may grow meanwhile: what it had at first is copied. */
  #file(path: string): boolean {
    const from = relative(this.#dir, path);
    if (statIfThere(path)?.isFile() === false) {
      this.leftOut.add(from);
      return false;
    }
    const fd = ifThere(() => openSync(path, READ));
    if (fd === undefined) return false;
    try {
      const stat = fstatSync(fd);
      const copy = join(this.#target, from);
      makeDirectory(dirname(copy));
      withFile(copy, NEW_FILE, (to) => {
        copyRange(fd, 0, stat.size, to);
        imitate(to, stat);
        futimesSync(to, stat.atime, stat.mtime);
        fsyncSync(to);
      });
      this.files += 1;
      this.bytes += stat.size;
      return true;
    } finally {
      closeSync(fd);
    }
  }

  /** Directories get their mode and owner last: one that may not be written could not be filled. */
  finish(): void {
    writeLayout(this.#target, String(LAYOUT));
    const found = readdirSync(this.#target, { recursive: true, withFileTypes: true });
    const directories = found.flatMap((entry) => (entry.isDirectory() ? [join(entry.parentPath, entry.name)] : []));
    for (const path of [this.#target, ...directories].toReversed()) {
      const stat = statIfThere(join(this.#dir, relative(this.#target, path)));
      withFile(path, constants.O_RDONLY | constants.O_DIRECTORY, (fd) => {
        fsyncSync(fd);
        if (stat) imitate(fd, stat);
      });
    }
  }
}
