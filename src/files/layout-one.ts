/**
 * Converts a directory of layout 1, which versions before 2.0 made, to layout 2. `.layout` says 2 from the start, to keep
 * older versions away. `.converting` exists until all is done: after a crash, the conversion starts again. Ids and marks
 * stay the same.
 */
import { accessSync, constants, rmSync } from 'node:fs';
import { join } from 'node:path';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { ifThere, namesIn, statIfThere, syncDirectory, writing } from './disk.ts';
import { LAYOUT, checkLayout, writeLayout } from './layout.ts';
import { OldMailbox, type ConversionOptions } from './layout-one-box.ts';
import { unusable } from './mailbox-file.ts';
import { MailboxPaths, mailboxesIn } from './mailbox-paths.ts';
import { isTrusted } from './private-directories.ts';
import { replaceFile } from './replace-file.ts';
import { Slices } from '../words/slices.ts';

/** Resolves once this mailbox is of layout 2. MAILBOX_UNUSABLE if it still may not be read. */
type Converted = (paths: MailboxPaths) => Promise<void>;

const CONVERTING = '.converting';
export const LIVE = '.live';
export const TORN = '.torn';
/** A server of version 1 touches its file in `.live` every 5 s, and removes it when it ends. */
const GONE_MS = 15_000;

/**
 * Marks the directory as one of layout 2 whose mailboxes must be converted, unless it is of layout 2 already. UNKNOWN_LAYOUT
 * if this version cannot use it, or a server of version 1 still does; DISK_FULL.
 */
export function claimLayout(dir: string): void {
  if (checkLayout(dir)) return;
  checkNobodyServes(dir);
  writing(() => {
    if (!isConverting(dir)) replaceFile(join(dir, CONVERTING), '');
    writeLayout(dir, String(LAYOUT));
  });
}

/**
 * Converts every mailbox, if that was not done before. Resolves to a function to be called before a mailbox is used: it
 * tries again to convert one that could not be read. The next start does so, too.
 */
export async function convertLayoutOne(dir: string, options: ConversionOptions): Promise<Converted> {
  const left = new Set<MailboxName>();
  const slices = new Slices();
  for (const name of isConverting(dir) ? mailboxesIn(dir) : []) {
    try {
      await convertMailbox(new MailboxPaths(dir, name), options);
    } catch (error) {
      if (!(error instanceof MailboxError && error.code === 'MAILBOX_UNUSABLE')) throw error;
      left.add(name);
    }
    await slices.rest();
  }
  if (left.size === 0) endConversion(dir);
  return async (paths) => {
    if (!left.has(paths.name)) return;
    await convertMailbox(paths, options);
    left.delete(paths.name);
  };
}

function endConversion(dir: string): void {
  if (!isConverting(dir)) return;
  for (const name of [LIVE, TORN].filter((each) => isOurDirectory(join(dir, each), dir))) {
    rmSync(join(dir, name), { recursive: true, force: true });
  }
  syncDirectory(dir);
  rmSync(join(dir, CONVERTING), { force: true });
  syncDirectory(dir);
}

/** A file that somebody else made there does not count. */
function isConverting(dir: string): boolean {
  const stat = statIfThere(join(dir, CONVERTING));
  return stat?.isFile() === true && isTrusted(stat, dir);
}

/** Others must not be able to change it while we remove it, or we would remove something elsewhere. */
function isOurDirectory(path: string, dir: string): boolean {
  const stat = statIfThere(path);
  return stat?.isDirectory() === true && isTrusted(stat, dir) && (stat.mode & 0o022) === 0;
}

/** MAILBOX_UNUSABLE if we may not read it. */
async function convertMailbox(paths: MailboxPaths, options: ConversionOptions): Promise<void> {
  try {
    ifThere(() => accessSync(paths.file, constants.R_OK)); // before anything is renamed
    await new OldMailbox(paths, options).convert();
  } catch (error) {
    throw isErrno(error, 'EACCES', 'EPERM') ? unusable(error.path ?? paths.file, error) : error;
  }
}

/** Throws UNKNOWN_LAYOUT if a server of version 1 seems to be running there. */
export function checkNobodyServes(dir: string): void {
  const names = isOurDirectory(join(dir, LIVE), dir) ? namesIn(join(dir, LIVE)) : [];
  const touched = names.map((name) => statIfThere(join(dir, LIVE, name))?.mtimeMs ?? 0);
  if (Math.max(0, ...touched) < Date.now() - GONE_MS) return;
  const why = `A server of version 1 used ${dir} a moment ago. Stop it, then start again after 15 s.`;
  throw new MailboxError('UNKNOWN_LAYOUT', `${why} Nothing was changed.`);
}
