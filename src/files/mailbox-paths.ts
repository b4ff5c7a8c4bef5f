import { join, parse } from 'node:path';
import { isMailboxName, type MailboxName } from '../words/mailbox-name.ts';
import { namesIn } from './disk.ts';

export const TAKEN = '.taken';
export const DELIVERED = '.delivered';
export const MARKS = '.marks';
export const LOCKS = '.locks';
export const ACCESS = '.access';
/** Files that messages name: see kept-files.ts. */
export const FILES = '.files';
/** Which messages have texts that may still have to be erased: see `changes.ts`. */
export const CHANGES = '.changes';
/** Where to reach the owner of the directory: see `src/ownership/owner-socket.ts`. */
export const OWNER = '.owner';
const MAILBOX_ENDING = '.txt';

/** The paths of one mailbox's files. They are made when asked for, since most mailboxes are idle. */
export class MailboxPaths {
  readonly name: MailboxName;
  readonly dir: string;

  constructor(dir: string, name: MailboxName) {
    this.name = name;
    this.dir = dir;
  }

  get file(): string {
    return `${this.dir}/${this.name}${MAILBOX_ENDING}`;
  }

  /** Holds pieces that another program may still have open. */
  get taken(): string {
    return `${this.dir}/${TAKEN}/${this.name}`;
  }

  /** Whether this is the path of such a piece. */
  isTaken(path: string): boolean {
    return path.startsWith(`${this.taken}/`);
  }

  /** Holds pieces that nobody writes to any more. */
  get delivered(): string {
    return `${this.dir}/${DELIVERED}/${this.name}`;
  }

  get marks(): string {
    return `${this.dir}/${MARKS}/${this.name}.json`;
  }

  get lock(): string {
    return `${this.dir}/${LOCKS}/${this.name}.lock`;
  }
}

/** Whether a name in the data directory is that of a mailbox. */
export function isMailboxFile(name: string): boolean {
  return name.endsWith(MAILBOX_ENDING) && !name.startsWith('.');
}

/** The names of all mailboxes that have files or marks, sorted. */
export function mailboxesIn(dir: string): MailboxName[] {
  const files = namesIn(dir).filter(isMailboxFile);
  const marks = namesIn(join(dir, MARKS)).filter((name) => name.endsWith('.json'));
  const directories = [TAKEN, DELIVERED].flatMap((name) => namesIn(join(dir, name)));
  const names = [...files, ...marks].map((name) => parse(name).name);
  return [...new Set([...names, ...directories])].filter(isMailboxName).toSorted();
}
