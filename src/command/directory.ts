import { existsSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { MailboxError } from '../words/mailbox-error.ts';
import { CONFIGURATION, Ending } from './ending.ts';

const REASONS: Readonly<Record<string, string>> = {
  EEXIST: 'a file is in its place',
  ENOTDIR: 'a file is in its way',
  EROFS: 'the file system is read-only',
  ENOSPC: 'the disk is full',
};

/** The directory as a user would type it: `./mailboxes` below the current directory, else its whole path. */
export function shown(dir: string): string {
  const fromHere = relative('.', dir);
  return fromHere === '' || fromHere.startsWith('..') ? resolve(dir) : `./${fromHere}`;
}

/** Quotes a path or a name for a shell, if it needs that. */
export function inShell(path: string): string {
  const short = path.replace(/^\.\//, '');
  if (/^(?!-)[\p{L}\p{N}_./-]+$/u.test(short)) return short;
  return `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

/** For commands that must not make a directory by mistake: mail in it would reach nobody. */
export function requireDirectory(dir: string): void {
  if (existsSync(dir)) return;
  throw new Ending(CONFIGURATION, `There are no mailboxes at ${shown(dir)}.`, [
    'Start Mailbox Chat there first, or name another directory: --dir <path>',
  ]);
}

/** No reason not to start: mail can be read although the disk is full, and an owner that dies has a successor. */
const PASSING: readonly string[] = ['DISK_FULL', 'MAILBOX_BUSY'];

/** Opens something in `dir` and waits until it is ready. */
export async function openIn<T>(dir: string, open: () => T, ready: (opened: T) => Promise<unknown>): Promise<T> {
  try {
    const opened = open();
    await ready(opened).catch((error: unknown) => {
      if (!(error instanceof MailboxError && PASSING.includes(error.code))) throw error;
    });
    return opened;
  } catch (error) {
    throw unusable(dir, error);
  }
}

/** The Ending for a `dir` that could not be opened. Returns an error that is not the file system's as it is. */
export function unusable(dir: string, error: unknown): unknown {
  if (error instanceof MailboxError && error.code === 'UNKNOWN_LAYOUT') {
    return new Ending(CONFIGURATION, error.message, [], { cause: error });
  }
  const code = errnoOf(error);
  if (code === undefined) return error;
  const who = process.geteuid?.();
  const denied = code === 'EACCES' || code === 'EPERM';
  const why = denied ? `running as uid ${who}` : (REASONS[code] ?? 'the system refused');
  const fix = denied ? `Fix: sudo chown -R ${who} ${shown(dir)}   or choose another` : 'Choose another';
  const what = `Can't write to ${shown(dir)} (${code}, ${why}).`;
  return new Ending(CONFIGURATION, what, [`${fix}: --dir ./mailboxes`], { cause: error });
}

function errnoOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return 'syscall' in error && 'code' in error ? String(error.code) : errnoOf(error.cause);
}
