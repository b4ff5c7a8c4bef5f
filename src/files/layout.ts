/**
 * The number of a data directory's layout, in the file `.layout`:
 *
 *     2
 *
 * A directory without this file is of layout 1. An early version made it, or the prototype, whose mailboxes are the same.
 * A backup has `unfinished` there until it is whole.
 */
import { join } from 'node:path';
import { MailboxError } from '../words/mailbox-error.ts';
import { VERSION } from '../words/version.ts';
import { ifThere, readPart, statIfThere } from './disk.ts';
import { isTrusted } from './private-directories.ts';
import { replaceFile } from './replace-file.ts';

/** The layout that this version uses. */
export const LAYOUT = 2;
/** A layout that this version converts: see layout-one.ts. */
export const OLD_LAYOUT = 1;

export const LAYOUT_FILE = '.layout';
export const UNFINISHED = 'unfinished';

const MAX_BYTES = 64;

/** Whether the directory is of this version's layout; false if it is of layout 1. Throws UNKNOWN_LAYOUT if it is of another. */
export function checkLayout(dir: string): boolean {
  const path = join(dir, LAYOUT_FILE);
  const stat = statIfThere(path);
  if (stat && !(stat.isFile() && isTrusted(stat, dir))) {
    const why = `${path} is no plain file, or belongs to somebody else (uid ${stat.uid}): delete it.`;
    throw new MailboxError('UNKNOWN_LAYOUT', `${why} Nothing was changed.`);
  }
  const bytes = ifThere(() => readPart(path, 0, MAX_BYTES));
  const text = bytes?.toString().trim() ?? '';
  if (text === String(LAYOUT)) return true;
  if (text === '' || text === String(OLD_LAYOUT)) return false;
  throw new MailboxError('UNKNOWN_LAYOUT', `${whyNot(dir, text)} Nothing was changed.`);
}

export function writeLayout(dir: string, text: string): void {
  replaceFile(join(dir, LAYOUT_FILE), `${text}\n`);
}

function whyNot(dir: string, text: string): string {
  if (text === UNFINISHED) return `${dir} is a backup that was not finished. Make a new one.`;
  const ours = `this is Mailbox Chat ${VERSION}, which uses layout ${LAYOUT}`;
  if (/^\d{1,9}$/.test(text)) {
    return `${dir} has layout ${text}, but ${ours}. Install the version that made it, or restore an older backup.`;
  }
  return `${dir}/${LAYOUT_FILE} does not hold a layout number, and ${ours}. If the directory is one of ours, delete that file.`;
}
