/**
 * A take: the mailbox file is renamed away and becomes a piece of the log, an empty one takes its place. Whoever opened
 * it before may still write to it, so it gets an end: what stands behind the end marker is late. A crash after any step
 * leaves names that the next load or look understands.
 */
import { linkSync, renameSync, rmSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import { makeEmptyPiece, newName, placeOthers, placePiece, randomName } from './chain.ts';
import {
  APPEND_OR_CREATE,
  appendWhole,
  imitate,
  makeDirectory,
  statIfThere,
  sync,
  syncDirectoryAsync,
  withFile,
  writing,
} from './disk.ts';
import { idTime, isForeignId, nextOwnId } from './event-id.ts';
import { closing, endMarker } from './frames.ts';
import type { MailLog } from './mail-log.ts';
import type { MailboxFile } from './mailbox-file.ts';

/** Most writers open a file, write and close it: who opened it before the rename has written by then. */
const WAIT_MS = 5;
const TAIL_MS = 100;
const MAX_ATTEMPTS = 10;

/** Whether somebody waits for the mailbox: then the take waits for nobody. */
export type IsAwaited = () => boolean;

/** Where the mailbox was replaced meanwhile, or a step fails, `catchUp` goes on with it. */
export async function take(log: MailLog, isAwaited: IsAwaited): Promise<void> {
  const { paths, context, current } = log;
  const stat = statIfThere(paths.file);
  if (stat?.ino !== current.ino || !stat) return;
  const away = join(paths.taken, newName(context.now()));
  const isAway = writing(() => {
    makeDirectory(paths.taken);
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
    log.unplaced.push({ path: away }); // somebody replaced the mailbox just then: what was read is gone, and this is what came instead
    return startAnew(log);
  }
  await finish(log, isAwaited);
}

/** Gives the renamed file its end and its place. Until then nothing is shown from the mailbox, nor written to it. */
export async function finish(log: MailLog, isAwaited: IsAwaited): Promise<void> {
  const { paths, current } = log;
  if (current.state.end === undefined) await waitForWriters(current, isAwaited);
  await current.readOn(log.found);
  if (!current.isOthers) return await finishOwn(log);
  // Another user's file gets no end marker from us: its name says where it ends, and what is unfinished there is late.
  const { state } = current;
  const end = nextOwnId(state.last, endMs(log));
  writing(() => placeOthers(paths, current.log, end, state.offset));
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

/** What was read of the mailbox is gone: ids go on behind it, and the mailbox begins with what is there now. */
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
    if (waitedMs >= (file.tail === 'none' ? WAIT_MS : TAIL_MS)) return;
    await setTimeout(WAIT_MS);
  }
}

/** Makes an event of whole lines, and void what is half a line. */
export async function endTail(log: MailLog): Promise<void> {
  const { current } = log;
  if (current.tail === 'none') return;
  appendWhole(current.fd, Buffer.from(closing(current.tail)));
  await current.readOn(log.found);
}

/** Ends what is unfinished, then the file. A program that writes between the two makes the marker void: then once more. */
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

/** When the mail at its end came: foreign mail has no other time. */
function endMs({ current, context }: MailLog): number {
  const { last } = current.state;
  return isForeignId(last) ? current.log.foreignMs : Math.max(context.now(), idTime(last));
}

/** False for a mount point: it stays where it is. */
function isRenamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    if (isErrno(error, 'EBUSY', 'EXDEV')) return false;
    throw error;
  }
}

/** An empty file that is to take the place of the one that it is like. */
export function makeSuccessor(dir: string, like: Pick<Stats, 'mode' | 'uid' | 'gid'>): string {
  const path = join(dir, `successor-${randomName()}`);
  withFile(path, APPEND_OR_CREATE, (fd) => imitate(fd, like));
  return path;
}

export function linkSuccessor(successor: string, mailbox: string): void {
  try {
    linkSync(successor, mailbox);
  } catch (error) {
    if (!isErrno(error, 'EEXIST')) throw error; // a writer made a new mailbox: that one stays
  }
  rmSync(successor, { force: true });
}

function busy(path: string): MailboxError {
  return new MailboxError('MAILBOX_BUSY', `${path} changes all the time: it could not be ended. Try again.`);
}
