/**
 * How a data directory is laid out, by number, in `.layout`:
 *
 *     2
 *
 * A directory that does not say so is of layout 1: made before there was this file, or by the prototype, whose
 * mailboxes are the same. A backup says `unfinished` until it is whole.
 */
import { constants, fsyncSync, ftruncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { MailboxError } from '../words/mailbox-error.ts';
import { VERSION } from '../words/version.ts';
import { READ, SAFELY, ifThere, readRange, syncDirectory, withFile } from './disk.ts';

/** The layout that this version reads and writes. */
export const LAYOUT = 2;
/** Read on, too: see layout-one.ts. */
export const OLD_LAYOUT = 1;

export const LAYOUT_FILE = '.layout';
export const UNFINISHED = 'unfinished';

const MAX_BYTES = 64;
const WRITE_OR_CREATE = constants.O_WRONLY | constants.O_CREAT | SAFELY;

/** Throws UNKNOWN_LAYOUT unless this version can use the directory. False: it is of layout 1, or does not say. */
export function checkLayout(dir: string): boolean {
  const bytes = ifThere(() => withFile(join(dir, LAYOUT_FILE), READ, (fd) => readRange(fd, 0, MAX_BYTES)));
  const text = bytes?.toString().trim() ?? '';
  if (text === String(LAYOUT)) return true;
  if (text === '' || text === String(OLD_LAYOUT)) return false;
  throw new MailboxError('UNKNOWN_LAYOUT', `${whyNot(dir, text)} Nothing was changed.`);
}

/** At the beginning of the file, in one write: two servers may start at the same moment. */
export function writeLayout(dir: string, text: string): void {
  withFile(join(dir, LAYOUT_FILE), WRITE_OR_CREATE, (fd) => {
    ftruncateSync(fd, writeSync(fd, `${text}\n`, 0));
    fsyncSync(fd);
  });
  syncDirectory(dir);
}

function whyNot(dir: string, text: string): string {
  if (text === UNFINISHED) return `${dir} is a backup that was not finished: make another one.`;
  const ours = `this is Mailbox Chat ${VERSION}, which knows layout ${LAYOUT}`;
  if (/^\d{1,9}$/.test(text)) {
    return `${dir} has layout ${text}, and ${ours}. Install the version that made it, or restore a backup from before it.`;
  }
  return `${dir}/${LAYOUT_FILE} does not say a layout, and ${ours}. If the directory is one of ours, delete that file.`;
}
