/**
 * A take: the mailbox file is renamed away and becomes a piece of the log, and an empty file takes its place. A program
 * that opened the file earlier may still write to it, so the piece gets an end marker: text behind the marker is late mail.
 * A crash after any step leaves names from which the next start goes on (PROTOCOL.md has the table).
 */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import { makeEmptyPiece, newName, placePiece, placeReadOnly } from './pieces.ts';
import { appendWhole, makeDirectoryAsync, statIfThere, sync, syncDirectoryAsync, writing } from './disk.ts';
import { idTime, isForeignId, nextOwnId } from './event-id.ts';
import { closing, endMarker } from './frames.ts';
import type { MailLog } from './mail-log.ts';
import type { MailboxFile } from './mailbox-file.ts';
import type { StoreContext } from './store-context.ts';
import { linkSuccessor, makeSuccessor } from './successor.ts';

/** Most programs open a file, write and close it. One that opened it before the rename has written by then. */
const WAIT_MS = 5;
/** How long an unfinished event may take to be finished. */
const UNFINISHED_MS = 100;
const MAX_ATTEMPTS = 10;

/** Whether an append is waiting. If so, the take does not wait for other programs. */
type IsAwaited = () => boolean;

/** Takes the mailbox. If it was replaced meanwhile, or a step fails, the next `readOn` goes on with it. */
export async function take(log: MailLog, isAwaited: IsAwaited): Promise<void> {
  const { paths, context, current } = log;
  await makeDirectoryAsync(paths.taken);
  const stat = statIfThere(paths.file);
  if (stat?.ino !== current.ino || !stat) return;
  const away = join(paths.taken, newName(context.now()));
  const isAway = writing(() => {
    const successor = makeSuccessor(paths.taken, { uid: stat.uid, gid: stat.gid, mode: stat.mode | context.fileMode });
    try {
      if (!isRenamed(paths.file, away)) return false;
      current.log.path = away;
      linkSuccessor(successor, paths.file);
      return true;
    } finally {
      rmSync(successor, { force: true });
    }
  });
  if (!isAway) {
    log.isMounted = true;
    return;
  }
  context.onReplaced(paths.file);
  if (statIfThere(away)?.ino !== current.ino) {
    if (mayBeMail(away, context)) log.unplaced.push({ path: away }); // the mailbox was replaced right before the rename: this is the new file, the one we read is gone
    return startAnew(log);
  }
  await finish(log, isAwaited);
}

/** In a directory that others may write to: not a link or a FIFO that somebody put there just before the rename. */
export function mayBeMail(path: string, context: StoreContext): boolean {
  if (!context.isShared) return true;
  const stat = statIfThere(path);
  return stat?.isFile() === true && context.mayBeMailbox(stat);
}

/** Gives the renamed file its end and its name as a piece. Until then the new mailbox is neither read nor written. */
export async function finish(log: MailLog, isAwaited: IsAwaited): Promise<void> {
  const { paths, current } = log;
  if (current.state.end === undefined) await waitForWriters(current, isAwaited);
  await current.readOn(log.found);
  if (!current.isReadOnly) return await finishOwn(log);
  // We cannot write an end marker into a read-only file, so its name says where it ends. What is unfinished there is late.
  const { state } = current;
  const end = nextOwnId(state.last, endMs(log));
  writing(() => placeReadOnly(paths, current.log, end, state.offset));
  await settle(log, end, state.offset);
}

async function finishOwn(log: MailLog): Promise<void> {
  const { paths, current } = log;
  for (let attempt = 0; current.state.end === undefined; attempt += 1) {
    if (attempt === MAX_ATTEMPTS) throw busy(current.log.path);
    await writeEnd(log);
  }
  const { end } = current.state;
  writing(() => placePiece(paths, current.log, end));
  await settle(log, end);
}

async function settle(log: MailLog, end: string, to?: number): Promise<void> {
  await syncDirectoryAsync(log.paths.taken);
  await syncDirectoryAsync(log.paths.dir);
  log.closePiece(end, to);
}

/** The file that was read is gone. An empty piece keeps its ids, and the file that is there now begins behind them. */
export function startAnew(log: MailLog): void {
  const { state } = log.current;
  let { start } = state;
  if (state.last !== start) {
    const end = log.context.clock.next(state.last, log.context.now());
    log.pieces.push(makeEmptyPiece(log.paths, start, end));
    start = end;
  }
  log.begin(start);
  log.forgetRecent();
}

async function waitForWriters(file: MailboxFile, isAwaited: IsAwaited): Promise<void> {
  const beganMs = performance.now();
  while (!isAwaited()) {
    const waitedMs = performance.now() - beganMs;
    if (waitedMs >= (file.tail === 'none' ? WAIT_MS : UNFINISHED_MS)) return;
    await setTimeout(WAIT_MS);
  }
}

/** Ends what is unfinished: whole lines become an event, half a line becomes void. */
export async function endTail(log: MailLog): Promise<void> {
  const { current } = log;
  if (current.tail === 'none') return;
  appendWhole(current.fd, Buffer.from(closing(current.tail)));
  await current.readOn(log.found);
}

/** Ends what is unfinished, then writes the end marker. A program that writes in between makes the marker void: try again. */
async function writeEnd(log: MailLog): Promise<void> {
  const { current } = log;
  await endTail(log);
  const { state } = current;
  const at = endMs(log);
  const end = state.count > 0 ? state.last : nextOwnId(state.last, at);
  appendWhole(current.fd, Buffer.from(endMarker(state, end, at)));
  await sync(current.fd);
  await current.readOn(log.found);
}

/** When the last mail came. For foreign mail, the end marker is the only place that says so. */
function endMs({ current, context }: MailLog): number {
  const { last } = current.state;
  return isForeignId(last) ? current.log.foreignMs : Math.max(context.now(), idTime(last));
}

/** False if the file is a mount point, which cannot be renamed. */
function isRenamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, 'EBUSY', 'EXDEV')) return false;
    throw error;
  }
}

function busy(path: string): MailboxError {
  return new MailboxError(
    'MAILBOX_BUSY',
    `Another program keeps writing to ${path}, so the mailbox could not be taken. Try again.`,
  );
}
