/**
 * How a data directory is laid out, by number, in `.layout`:
 *
 *     1
 *
 * A directory that does not say so is of the first layout: made before there was this file, or by the prototype, whose
 * mailboxes are the same. A backup says `unfinished` until it is whole.
 */
import { constants, fsyncSync, ftruncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MailboxError, isErrno } from '../mailbox-error.ts';
import { VERSION } from '../version.ts';
import { READ, SAFELY, ifThere, namesIn, readRange, statIfThere, syncDirectory, withFile } from './disk.ts';
import { LIVE } from './mailbox-paths.ts';

/** The layout that this version reads and writes. */
export const LAYOUT = 1;

export const LAYOUT_FILE = '.layout';
export const UNFINISHED = 'unfinished';

const MAX_BYTES = 64;
/** Servers of version 1 touch their files in `.live` every 5 s, and remove them when they end. */
const GONE_MS = 15_000;
const WRITE_OR_CREATE = constants.O_WRONLY | constants.O_CREAT | SAFELY;

/** Throws UNKNOWN_LAYOUT unless this version can use the directory. False: it does not say how it is laid out. */
export function checkLayout(dir: string): boolean {
  const bytes = ifThere(() => withFile(join(dir, LAYOUT_FILE), READ, (fd) => readRange(fd, 0, MAX_BYTES)));
  const text = bytes?.toString().trim() ?? '';
  if (text === '') return false;
  if (text === String(LAYOUT)) return true;
  throw new MailboxError('UNKNOWN_LAYOUT', `${whyNot(dir, text)} Nothing was changed.`);
}

/** Checks the layout, and says it in the directory where that was not done yet. */
export function claimLayout(dir: string): void {
  if (checkLayout(dir)) return;
  try {
    writeLayout(dir, String(LAYOUT));
  } catch (error) {
    // A full disk is no reason not to start: what is not said counts as the first layout, and the next start says it.
    if (!isErrno(error, 'ENOSPC', 'EDQUOT')) throw error;
  }
}

/** At the beginning of the file, in one write: two servers may start at the same moment. */
export function writeLayout(dir: string, text: string): void {
  withFile(join(dir, LAYOUT_FILE), WRITE_OR_CREATE, (fd) => {
    ftruncateSync(fd, writeSync(fd, `${text}\n`, 0));
    fsyncSync(fd);
  });
  syncDirectory(dir);
}

/** UNKNOWN_LAYOUT while a server of version 1 is at work there: it would not ask the owner of the directory. */
export function refuseVersionOne(dir: string): void {
  const touched = namesIn(join(dir, LIVE)).map((name) => statIfThere(join(dir, LIVE, name))?.mtimeMs ?? 0);
  if (Math.max(0, ...touched) < Date.now() - GONE_MS) return;
  const why = `A server of version 1 has used ${dir} a moment ago. Stop it, and start again in 15 s.`;
  throw new MailboxError('UNKNOWN_LAYOUT', `${why} Nothing was changed.`);
}

function whyNot(dir: string, text: string): string {
  if (text === UNFINISHED) return `${dir} is a backup that was not finished: make another one.`;
  const ours = `this is Mailbox Chat ${VERSION}, which knows layout ${LAYOUT}`;
  if (/^\d{1,9}$/.test(text)) {
    return `${dir} has layout ${text}, and ${ours}. Install the version that made it, or restore a backup from before it.`;
  }
  return `${dir}/${LAYOUT_FILE} does not say a layout, and ${ours}. If the directory is one of ours, delete that file.`;
}
