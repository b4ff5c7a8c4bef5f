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
export const DELIVERED = '.delivered';
export const MARKS = '.marks';
export const TORN = '.torn';
export const LOCKS = '.locks';
export const LIVE = '.live';
export const ACCESS = '.access';
export const MAILBOX_ENDING = '.txt';
/** Of a log's segments. */
export const SEGMENT_ENDING = '.log';

export function mailboxPaths(dir: string, name: MailboxName): MailboxPaths {
  return {
    file: join(dir, name + MAILBOX_ENDING),
    takes: join(dir, TAKEN, name),
    log: join(dir, DELIVERED, name),
    marks: join(dir, MARKS, `${name}.json`),
    torn: join(dir, TORN, name),
    lock: join(dir, LOCKS, `${name}.lock`),
  };
}

/** Whether a name in the data directory is a mailbox's. */
export function isMailboxFile(name: string): boolean {
  return name.endsWith(MAILBOX_ENDING) && !name.startsWith('.');
}

export function locksDirectory(dir: string): string {
  return join(dir, LOCKS);
}
