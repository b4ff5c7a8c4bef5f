import { join } from 'node:path';
import type { MailboxName } from '../mailbox-name.ts';

/** Where what belongs to one mailbox lies in the data directory. */
export interface MailboxPaths {
  readonly file: string;
  readonly takes: string;
  readonly log: string;
  readonly marks: string;
  readonly torn: string;
  readonly lock: string;
}

export const TAKEN = '.taken';
const ENDING = '.txt';

export function mailboxPaths(dir: string, name: MailboxName): MailboxPaths {
  return {
    file: join(dir, name + ENDING),
    takes: join(dir, TAKEN, name),
    log: join(dir, '.delivered', name),
    marks: join(dir, '.marks', `${name}.json`),
    torn: join(dir, '.torn', name),
    lock: join(dir, '.locks', `${name}.lock`),
  };
}

/** Whether a name in the data directory is a mailbox's. */
export function isMailboxFile(name: string): boolean {
  return name.endsWith(ENDING) && !name.startsWith('.');
}

export function locksDirectory(dir: string): string {
  return join(dir, '.locks');
}
