import { rmSync } from 'node:fs';
import { ifThere, readPart, statIfThere } from './disk.ts';
import { compareIds, idTime, isOwnId } from './event-id.ts';
import { isOpen } from './late-mail.ts';
import type { LogFile } from './log-file.ts';
import type { MailLog } from './mail-log.ts';
import { makeEmptyPiece } from './pieces.ts';

/** A client that has just received a cursor must be able to come back with it. */
const KEEP_LEAST_MS = 2 * 60 * 1000;
/** A clock that shows an earlier time was never set. */
const EARLIEST_MS = Date.UTC(2020);
const TAIL_BYTES = 64 * 1024;
/** The time in an end marker, or before foreign text in a merged piece. */
const TIME = /\n: (?:end \S+|at) (\d{1,15})\n/g;

/**
 * Drops the oldest pieces if the mark has passed them and they are too old or too large together, but nothing from the
 * last two minutes. If every piece would go, an empty one takes their place, so that their ids are not given again.
 */
export function retain(log: MailLog, mark: string, trustedNow: number): void {
  const { keepMs, keepBytes } = log.context;
  let bytes = log.pieces.reduce((sum, file) => sum + file.measure(), 0);
  for (let [oldest] = log.pieces; oldest && !isOpen(log, oldest); [oldest] = log.pieces) {
    const age = trustedNow - endedMs(oldest, trustedNow);
    const isPassed = compareIds(oldest.end!, mark) <= 0;
    if (!isPassed || age < KEEP_LEAST_MS || (age < keepMs && bytes <= keepBytes)) return;
    if (log.pieces.length === 1 && !(oldest.measure() > 0 && addEmptyPiece(log))) return;
    bytes -= oldest.measure();
    rmSync(oldest.path, { force: true });
    log.pieces.shift();
  }
}

/** False while there is mail in the mailbox: it begins after the last piece, which must stay then. */
function addEmptyPiece(log: MailLog): boolean {
  if (log.current.size > 0) return false;
  const { start } = log.current.log;
  const end = log.context.clock.next(start, log.context.now());
  log.pieces.push(makeEmptyPiece(log.paths, start, end));
  log.begin(end);
  return true;
}

/**
 * When a piece ended. Its last id says so, unless the id is foreign or comes from a wrong clock. Then it is the later of
 * the time in the end marker and the file's own: any program can write what looks like a marker.
 */
function endedMs(file: LogFile, now: number): number {
  const ms = idTime(file.end!);
  if (isOwnId(file.end!) && ms >= EARLIEST_MS && ms <= now) return ms;
  const known = [markedMs(file) ?? 0, statIfThere(file.path)?.mtimeMs ?? 0].filter((each) => each > 0 && each <= now);
  return known.length === 0 ? now : Math.max(...known);
}

function markedMs(file: LogFile): number | undefined {
  const size = file.measure();
  const text = ifThere(() => readPart(file.path, Math.max(0, size - TAIL_BYTES), size).toString('latin1'));
  const ms = [...(text?.matchAll(TIME) ?? [])].at(-1)?.[1];
  return ms === undefined ? undefined : Number(ms);
}
