/** Looks what has become of a mailbox since it was last read, whoever did it. */
import { join } from 'node:path';
import { MailboxError } from '../words/mailbox-error.ts';
import { listChain, makeEmptyPiece } from './chain.ts';
import { namesIn, statIfThere } from './disk.ts';
import { compareIds, ownPart } from './event-id.ts';
import { firstFences } from './first-fence.ts';
import { hasLate } from './late-mail.ts';
import { FileGone } from './log-file.ts';
import { MailLog } from './mail-log.ts';
import { unusable } from './mailbox-file.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import type { StoreContext } from './store-context.ts';
import { finish, startAnew, take } from './taking.ts';

const MAX_ATTEMPTS = 10;
const nobodyWaits = (): boolean => false;

/** Reads the names of a mailbox's log. Takes that were under way when a process died are finished by `catchUp`. */
export function loadLog(paths: MailboxPaths, context: StoreContext, onFound: () => void): MailLog {
  const log = new MailLog(paths, context, listChain(paths), onFound);
  if (!log.isUnfinished) beginAsWritten(log, paths.file);
  return log;
}

/** Finishes what was renamed away, the oldest first. Where a step failed, the next call goes on from what is on disk. */
async function placeAll(log: MailLog): Promise<void> {
  while (log.isUnfinished) {
    if (log.current.log.path === log.paths.file) beginNext(log);
    await leave(log);
    if (!log.isUnfinished) beginAsWritten(log, log.paths.file);
  }
}

function beginNext(log: MailLog): void {
  const { path, above } = log.unplaced[0]!;
  // Frames that stand in it name ids up to there: below its start they count as copies, not as void.
  if (above !== undefined && compareIds(above, log.newest) > 0) {
    log.pieces.push(makeEmptyPiece(log.paths, log.newest, above));
    log.begin(above);
  }
  if (above === undefined) beginAsWritten(log, path);
  log.beginIn(path);
  log.unplaced.shift();
}

/**
 * Where the log before a file is gone, or there was none, the file says where it begins: else its mail would count for
 * nothing. Not where a frame goes on from the end of the log: what names a later id is text of another program then.
 */
function beginAsWritten(log: MailLog, path: string): void {
  const fences = firstFences(path, log.context.now());
  const [first] = fences;
  if (first === undefined || fences.includes(ownPart(log.newest))) return;
  if (log.pieces.length === 0 || compareIds(first, log.newest) > 0) log.begin(first);
}

/** Reads on in the mailbox. Where it was taken, removed or replaced, the log goes on with what is there now. */
export async function catchUp(log: MailLog): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      if (await caughtUp(log)) return;
    } catch (error) {
      if (!(error instanceof FileGone)) throw error;
    }
  }
  const why = 'The mailbox was replaced again and again while we looked. Try again.';
  throw new MailboxError('MAILBOX_BUSY', why);
}

async function caughtUp(log: MailLog): Promise<boolean> {
  await placeAll(log);
  const { paths, current } = log;
  const stat = statIfThere(paths.file);
  if (stat && !stat.isFile()) throw unusable(paths.file);
  if (!stat && current.ino === undefined) return true;
  if (stat && (current.ino ?? stat.ino) === stat.ino && stat.size >= current.size) return readOn(log, stat.size);
  await leave(log);
  return false;
}

async function readOn(log: MailLog, size: number): Promise<boolean> {
  const { current } = log;
  if (size > current.size || current.ino === undefined) await current.readOn(log.found);
  if (current.state.end === undefined) return true;
  await take(log, nobodyWaits); // it was taken already: a power cut has undone the renames
  return false;
}

/** What was read is no longer the mailbox: it was taken, be it half-way, or somebody removed it. */
async function leave(log: MailLog): Promise<void> {
  const path = takenPath(log);
  if (path === undefined) return startAnew(log);
  log.current.log.path = path;
  await finish(log, nobodyWaits);
}

/** Where the file that was renamed away is now. */
function takenPath({ paths, current: { ino, log } }: MailLog): string | undefined {
  const names = namesIn(paths.taken).map((name) => join(paths.taken, name));
  const known = log.path === paths.file ? names : [log.path, ...names];
  return known.find((path) => {
    const stat = statIfThere(path);
    return stat && (stat.ino === ino || (ino === undefined && path === log.path));
  });
}

/** Whether a look would find something: a `stat` or two. */
export function needsLook(log: MailLog): boolean {
  if (log.isUnfinished) return true;
  const { ino, size, tail } = log.current;
  const stat = statIfThere(log.paths.file);
  return stat?.ino !== ino || (stat?.size ?? 0) !== size || tail !== 'none' || hasLate(log);
}
