/** Reads on in a mailbox, whatever other programs, or a crash, have done to its file since the last time. */
import { join } from 'node:path';
import { MailboxError } from '../words/mailbox-error.ts';
import { listPieces, makeEmptyPiece } from './pieces.ts';
import { namesIn, statIfThere } from './disk.ts';
import { compareIds, ownPart } from './event-id.ts';
import { firstFences } from './first-fence.ts';
import { hasLate } from './late-mail.ts';
import { FileGone } from './log-file.ts';
import { MailLog } from './mail-log.ts';
import { unusable } from './mailbox-file.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import type { StoreContext } from './store-context.ts';
import { finish, mayBeMail, startAnew, take } from './taking.ts';

const MAX_ATTEMPTS = 10;
const nobodyWaits = (): boolean => false;

/** Lists a mailbox's log. `readOn` finishes the takes that were under way when a process died. */
export function loadLog(paths: MailboxPaths, context: StoreContext, onFound: () => void): MailLog {
  const { pieces, unplaced } = listPieces(paths);
  const mail = unplaced.filter(({ path }) => mayBeMail(path, context));
  const log = new MailLog(paths, context, { pieces, unplaced: mail }, onFound);
  if (!log.isUnfinished) beginAsWritten(log, paths.file);
  return log;
}

/** Finishes the files that were renamed away, oldest first. If a step fails, the next call goes on from what is on disk. */
async function placeAll(log: MailLog): Promise<void> {
  while (log.isUnfinished) {
    if (log.current.log.path === log.paths.file) beginNext(log);
    await leave(log);
    if (!log.isUnfinished) beginAsWritten(log, log.paths.file);
  }
}

function beginNext(log: MailLog): void {
  const { path, above } = log.unplaced[0]!;
  // Its frames name ids up to `above`. If it begins after those, they count as copies, not as void.
  if (above !== undefined && compareIds(above, log.newest) > 0) {
    log.pieces.push(makeEmptyPiece(log.paths, log.newest, above));
    log.begin(above);
  }
  if (above === undefined) beginAsWritten(log, path);
  log.beginIn(path);
  log.unplaced.shift();
}

/**
 * If the log before a file is gone, the first fence in the file says where it begins: otherwise all its mail would be void.
 * If a frame in it continues the log, the log is all there, and a later fence is another program's text.
 */
function beginAsWritten(log: MailLog, path: string): void {
  const fences = firstFences(path, log.context.now());
  const [first] = fences;
  if (first === undefined || fences.includes(ownPart(log.newest))) return;
  if (log.pieces.length === 0 || compareIds(first, log.newest) > 0) log.begin(first);
}

/** Reads on to the end of the mailbox. If its file was taken, removed or replaced, the log goes on with the new one. */
export async function readOn(log: MailLog): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
    try {
      if (await tryReadOn(log)) return;
    } catch (error) {
      if (!(error instanceof FileGone)) throw error;
    }
  }
  const why = 'Another program keeps replacing the mailbox file. Try again.';
  throw new MailboxError('MAILBOX_BUSY', why);
}

async function tryReadOn(log: MailLog): Promise<boolean> {
  await placeAll(log);
  const { paths, current } = log;
  const stat = statIfThere(paths.file);
  if (stat && !stat.isFile()) throw unusable(paths.file);
  if (!stat && current.ino === undefined) return true;
  if (stat && (current.ino ?? stat.ino) === stat.ino && stat.size >= current.size) return readBytes(log, stat.size);
  await leave(log);
  return false;
}

async function readBytes(log: MailLog, size: number): Promise<boolean> {
  const { current } = log;
  if (size > current.size || current.ino === undefined) await current.readOn(log.found);
  if (current.state.end === undefined) return true;
  await take(log, nobodyWaits); // it was taken before, but a power cut undid the renames
  return false;
}

/** The file that was read is no longer the mailbox: a take was cut off half-way, or somebody removed it. */
async function leave(log: MailLog): Promise<void> {
  const path = takenPath(log);
  if (path === undefined) return startAnew(log);
  log.current.log.path = path;
  await finish(log, nobodyWaits);
}

/** The path to which the file was renamed. */
function takenPath({ paths, current: { ino, log } }: MailLog): string | undefined {
  const names = namesIn(paths.taken).map((name) => join(paths.taken, name));
  const known = log.path === paths.file ? names : [log.path, ...names];
  return known.find((path) => {
    const stat = statIfThere(path);
    return stat && (stat.ino === ino || (ino === undefined && path === log.path));
  });
}

/** Whether reading on may find something, or fails. Costs a `stat`, and one for each open piece. */
export function mayHaveMore(log: MailLog): boolean {
  if (log.isUnfinished) return true;
  const { ino, size, tail } = log.current;
  try {
    const stat = statIfThere(log.paths.file);
    if (!stat && log.pieces.length > 0) return true; // the new file was removed before we opened it
    return stat?.ino !== ino || (stat?.size ?? 0) !== size || tail !== 'none' || hasLate(log);
  } catch {
    return true; // reading on reports the error
  }
}
