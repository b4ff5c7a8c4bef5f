/** What keeps a log small: pieces that nobody writes to move on, many small ones become one, old ones go. */
import { rmSync, rmdirSync, utimesSync } from 'node:fs';
import { join, parse } from 'node:path';
import { isErrno } from '../words/mailbox-error.ts';
import { makeEmptyPiece, movePiece, randomName } from './chain.ts';
import { READ, ifThere, readRange, statIfThere, syncDirectory, withFile, writing } from './disk.ts';
import { compareIds, idTime, isOwnId } from './event-id.ts';
import type { MergedEvent } from './frame-forms.ts';
import { LogFile } from './log-file.ts';
import { chunksOf, dated } from './log-reading.ts';
import type { OpenPiece } from './late-mail.ts';
import type { MailLog } from './mail-log.ts';
import { MergedFile } from './merged-file.ts';

const IDLE_MS = 3000;
const MERGE_LEAST = 32;
const MERGE_MOST = 512;
const SMALL_BYTES = 32 * 1024;
const MIDDLE_BYTES = 1024 * 1024;
const MERGED_BYTES = 32 * MIDDLE_BYTES;
/** A file goes as a whole: mail must not stay for long because newer mail was merged with it. Of `keepMs`, a twelfth. */
const MERGED_PART = 12;
const REPLACEMENT = '\ufffd';
const TAIL_BYTES = 64 * 1024;
/** Of a piece its end marker says when it was ended, of a merged one what stands before somebody else's mail. */
const TIME = /\n: (?:end \S+|at) (\d{1,15})\n/g;
/** Whoever has just got a cursor must find it again. */
const KEEP_LEAST_MS = 2 * 60 * 1000;
/** A clock that shows an earlier time was never set. */
const EARLIEST_MS = Date.UTC(2020);

/** Pieces that have been left alone for `idleMs`, with nothing that still must be brought in. */
export function idlePieces(log: MailLog | undefined, idleMs = IDLE_MS): OpenPiece[] {
  if (!log) return [];
  const nowMs = log.context.uptimeMs();
  return [...log.open.values()].filter(
    (open) => nowMs - open.grownMs >= idleMs && (open.size <= open.state.offset || open.isHalf),
  );
}

/** Nobody has them open: they move to the log. One that was written to since it was looked at stays. */
export function retire(log: MailLog, pieces: readonly OpenPiece[]): void {
  let moved = 0;
  for (const open of pieces) {
    if (log.open.get(open.file) !== open || statIfThere(open.file.path)?.size !== open.size) continue;
    writing(() => movePiece(open.file, log.paths.delivered));
    log.open.delete(open.file);
    moved += 1;
  }
  if (moved === 0) return;
  syncDirectory(log.paths.delivered);
  syncDirectory(log.paths.taken);
  removeIfEmpty(log.paths.taken);
}

/** What is there is looked at by every start. */
function removeIfEmpty(dir: string): void {
  try {
    rmdirSync(dir);
  } catch (error) {
    if (!isErrno(error, 'ENOTEMPTY', 'EEXIST')) throw error;
  }
}

/** Makes one file of many small ones; does nothing while there are few. */
export async function merge(log: MailLog): Promise<void> {
  const parts = mergeable(log);
  if (parts.length === 0) return;
  const [first, last] = [parts[0]!, parts.at(-1)!];
  const { delivered } = log.paths;
  const mtime = statIfThere(last.path)?.mtime;
  const path = join(delivered, `${first.start}_${last.end}.log`);
  const merged = new MergedFile(
    join(delivered, `draft-${randomName()}`),
    parts.map((part) => parse(part.path).base),
  );
  try {
    for (const part of parts) if (!(await writePart(log, part, merged))) return merged.drop();
    await merged.finish(path);
    if (mtime) utimesSync(path, mtime, mtime); // it is no younger than its mail
  } catch (error) {
    merged.drop();
    throw error;
  }
  const at = log.pieces.indexOf(first);
  log.pieces.splice(at, parts.length, new LogFile(path, first.start, last.end));
  for (const part of parts) rmSync(part.path, { force: true });
}

/** Neighbours that are older than everything that may still be written to: what came late names places in later ones. */
function mergeable(log: MailLog): LogFile[] {
  const oldestOpen = log.pieces.findIndex(({ path }) => log.paths.isTaken(path));
  const settled = oldestOpen === -1 ? log.pieces : log.pieces.slice(0, oldestOpen);
  for (const least of [SMALL_BYTES, MIDDLE_BYTES]) {
    let run: LogFile[] = [];
    let bytes = 0;
    for (const file of settled) {
      const size = sizeOf(file);
      const fits = size < least && !file.isRaw && run.length < MERGE_MOST && bytes + size <= MERGED_BYTES;
      const isNext = run.length === 0 || run.at(-1)!.end === file.start;
      const firstMs = run[0] && idTime(run[0].isMerged ? run[0].start : run[0].end!);
      const isLong = idTime(file.end!) - (firstMs ?? Infinity) > log.context.keepMs / MERGED_PART;
      if (!fits || !isNext || isLong) {
        if (run.length >= MERGE_LEAST) return run;
        [run, bytes] = [[], 0];
      }
      if (size >= least || file.isRaw) continue;
      run.push(file);
      bytes += size;
    }
    if (run.length >= MERGE_LEAST) return run;
  }
  return [];
}

function sizeOf(file: LogFile): number {
  return (file.size ||= statIfThere(file.path)?.size ?? 0);
}

/** False when there are bytes in it that are no text: it stays as it is. */
async function writePart(log: MailLog, part: LogFile, merged: MergedFile): Promise<boolean> {
  for await (const events of eventsOf(log, part)) {
    part.isRaw = events.some(({ data }) => data.includes(REPLACEMENT));
    if (part.isRaw) return false;
    for (const event of events) merged.write(event);
  }
  return true;
}

/** Foreign text keeps its time, and stays foreign: what came late has an id of ours. */
async function* eventsOf(log: MailLog, part: LogFile): AsyncGenerator<MergedEvent[]> {
  const { name } = log.paths;
  for await (const { events, state } of chunksOf(name, part, part.first)) {
    const times = await dated(name, part, events, [], state);
    yield events.map(({ id, data, type, sender }, i) => ({
      id,
      data,
      type,
      ...(sender === undefined && { at: times[i]!.time }),
    }));
  }
}

/**
 * Drops the oldest pieces that `mark` has passed, when they are too old or too many, but nothing of the last two minutes. If all are too
 * old, an empty one keeps the place of the ids.
 */
export function retain(log: MailLog, mark: string, trustedNow: number): void {
  const { keepMs, keepBytes } = log.context;
  let bytes = log.pieces.reduce((sum, file) => sum + sizeOf(file), 0);
  for (let [oldest] = log.pieces; oldest && !log.open.has(oldest); [oldest] = log.pieces) {
    const age = trustedNow - endedMs(oldest, trustedNow);
    const isPassed = compareIds(oldest.end!, mark) <= 0;
    if (!isPassed || age < KEEP_LEAST_MS || (age < keepMs && bytes <= keepBytes)) return;
    if (log.pieces.length === 1 && !(sizeOf(oldest) > 0 && keptEnd(log))) return;
    bytes -= sizeOf(oldest);
    rmSync(oldest.path, { force: true });
    log.pieces.shift();
  }
}

/** Where all mail goes, an empty piece takes its place: ids go on behind it. Not while there is mail in the mailbox. */
function keptEnd(log: MailLog): boolean {
  if (log.current.size > 0) return false;
  const { start } = log.current.log;
  const end = log.context.clock.next(start, log.context.now());
  log.pieces.push(makeEmptyPiece(log.paths, start, end));
  log.begin(end);
  return true;
}

/**
 * When a piece was ended. Its last id tells, unless that is foreign, or of a clock that was wrong: then its end marker or
 * the file does, whichever is later, since anybody may write what looks like a marker.
 */
function endedMs(file: LogFile, now: number): number {
  const ms = idTime(file.end!);
  if (isOwnId(file.end!) && ms >= EARLIEST_MS && ms <= now) return ms;
  const known = [markedMs(file) ?? 0, statIfThere(file.path)?.mtimeMs ?? 0].filter((each) => each > 0 && each <= now);
  return known.length === 0 ? now : Math.max(...known);
}

function markedMs(file: LogFile): number | undefined {
  const size = sizeOf(file);
  const text = ifThere(() =>
    withFile(file.path, READ, (fd) => readRange(fd, Math.max(0, size - TAIL_BYTES), size).toString('latin1')),
  );
  const ms = [...(text?.matchAll(TIME) ?? [])].at(-1)?.[1];
  return ms === undefined ? undefined : Number(ms);
}
