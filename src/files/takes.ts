/**
 * A take is a mailbox file that was renamed away, on its way into the log: `.taken/henry/7-k3x9…`, where 7 gives the
 * order and the rest is the take's name in the log. A writer that opened the mailbox before may still append to it.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { MailboxError, isErrno } from '../mailbox-error.ts';
import { APPEND_OR_CREATE, imitate, makeDirectory, namesIn, statIfThere, withFile } from './disk.ts';

export interface Take {
  readonly id: string;
  readonly ordinal: number;
  readonly path: string;
}

type Likeness = Pick<Stats, 'mode' | 'uid' | 'gid'>;

const NAME = /^(\d+)-([a-z0-9]+)$/;
const SUCCESSOR = 'successor-';
const MAX_ATTEMPTS = 5;

/** The takes in a directory, oldest first. */
export function listTakes(dir: string): Take[] {
  return namesIn(dir)
    .flatMap((name) => {
      const match = NAME.exec(name);
      return match ? [{ id: match[2]!, ordinal: Number(match[1]), path: join(dir, name) }] : [];
    })
    .toSorted((a, b) => a.ordinal - b.ordinal || (a.id < b.id ? -1 : 1));
}

/**
 * Renames what is at `mailbox` into `dir` and puts an empty file with this mode and owner in its place. Nothing is
 * ever renamed over the mailbox: if a writer has made a new one meanwhile, that one stays.
 */
export function takeMailbox(mailbox: string, dir: string, like: Likeness): void {
  const names = namesIn(dir);
  removeSuccessors(dir, names);
  const successor = join(dir, SUCCESSOR + randomName());
  makeSuccessor(dir, successor, like);

  const id = randomName();
  const ordinal = nextOrdinal(names);
  const path = join(dir, `${ordinal}-${id}`);
  renameSync(mailbox, path);
  try {
    linkSync(successor, mailbox);
  } catch (error) {
    // EEXIST: a writer made a new mailbox. ENOENT: another process tidied the successor away; the next look makes one.
    if (!isErrno(error, 'EEXIST', 'ENOENT')) throw error;
  }
  rmSync(successor, { force: true });

  // Whoever was stopped between choosing the ordinal and renaming took newer mail than the takes made meanwhile.
  const next = nextOrdinal(namesIn(dir).filter((name) => !name.endsWith(`-${id}`)));
  if (next > ordinal) renameSync(path, join(dir, `${next}-${id}`));
}

/** Whoever retires the last take removes the directory, perhaps right now. */
function makeSuccessor(dir: string, path: string, like: Likeness): void {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return withFile(path, APPEND_OR_CREATE, (fd) => imitate(fd, like));
    } catch (error) {
      if (!isErrno(error, 'ENOENT') || attempt === MAX_ATTEMPTS) throw error;
    }
    makeDirectory(dir);
  }
}

/** Whether a name among the takes is of an empty file that is to follow a mailbox. */
export function isSuccessor(name: string): boolean {
  return name.startsWith(SUCCESSOR);
}

/** What processes that died have left: successors never linked, and with `ino` only second names of that mailbox. */
function removeSuccessors(dir: string, names: readonly string[], ino?: number): void {
  for (const name of names.filter(isSuccessor)) {
    const path = join(dir, name);
    if (ino === undefined || statIfThere(path)?.ino === ino) rmSync(path, { force: true });
  }
}

/** What stands at a mailbox's path if it is a file of its own; undefined if nothing does; else MAILBOX_UNUSABLE. */
export function statMailbox(mailbox: string, dir: string): Stats | undefined {
  let stat = statIfThere(mailbox);
  if (stat?.isFile() && stat.nlink > 1) {
    removeSuccessors(dir, namesIn(dir), stat.ino);
    stat = statIfThere(mailbox);
  }
  if (stat && (!stat.isFile() || stat.nlink > 1)) throw unusable(mailbox);
  return stat;
}

export function unusable(path: string, cause?: unknown): MailboxError {
  return new MailboxError(
    'MAILBOX_UNUSABLE',
    `${path} is not a plain file with one name: it is left alone. Move it away to get a mailbox again.`,
    { cause },
  );
}

function nextOrdinal(names: readonly string[]): number {
  return names.reduce((last, name) => Math.max(last, Number(NAME.exec(name)?.[1] ?? 0)), 0) + 1;
}

function randomName(): string {
  return BigInt(`0x${randomBytes(8).toString('hex')}`).toString(36);
}
