/**
 * The files of one mailbox's log, and how they get their names:
 *
 *     .taken/henry/<start>_<end>.txt       a piece; another program may still have it open
 *     .taken/henry/new-<ms>-<random>.txt   was renamed away, and has no end yet
 *     .taken/henry/successor-<random>      an empty file that was to become the mailbox
 *     .delivered/henry/<start>_<end>.txt   a piece that nobody writes to any more; empty if its ids belong to mail that is gone
 *     .delivered/henry/<start>_<end>.log   several pieces, merged
 *     .delivered/henry/draft-<random>      a merge that is under way
 *
 * `_<from>` before the ending: version 1 has read the bytes before that offset (layout-one-box.ts). `_<from>_<to>`: a
 * read-only file, which has no end marker; text behind <to> is late mail.
 */
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import {
  FILE_MODE,
  makeDirectory,
  namesIn,
  randomName,
  readPart,
  statIfThere,
  syncDirectory,
  writing,
} from './disk.ts';
import { compareIds, isEventId } from './event-id.ts';
import { LogFile } from './log-file.ts';
import { isSuccessor } from './successor.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import { isCopyOf } from './own-copy.ts';

const MAX_HEAD_BYTES = 1024 * 1024;
const MS_DIGITS = 15;
const PIECE = /^([^_]+)_([^_]+)(?:_\d{1,15}){0,2}\.(?:txt|log)$/;

/** A file that has no place in the log yet. `above`: no frame in it names a later id. */
export interface Unplaced {
  readonly path: string;
  readonly above?: string;
}

/** What the two directories of a mailbox hold, in order. */
export interface FoundPieces {
  readonly pieces: LogFile[];
  readonly unplaced: Unplaced[];
}

/** A name in `.taken` that no file has had before, so a rename to it replaces nothing. */
export function newName(now: number): string {
  return `new-${String(Math.max(0, now)).padStart(MS_DIGITS, '0')}-${randomName()}.txt`;
}

function pieceName(start: string, end: string, from = 0, to?: number): string {
  if (to !== undefined) return `${start}_${end}_${from}_${to}.txt`;
  return from === 0 ? `${start}_${end}.txt` : `${start}_${end}_${from}.txt`;
}

/** Whether this is the name of a taken file that has no end yet. */
export function isNew(name: string): boolean {
  return name.startsWith('new-') && name.endsWith('.txt');
}

/** Lists the log. Removes what a crash left behind, if it holds no mail. */
export function listPieces(paths: MailboxPaths): FoundPieces {
  const taken = namesIn(paths.taken);
  const delivered = namesIn(paths.delivered);
  for (const name of taken.filter(isSuccessor)) rmSync(join(paths.taken, name), { force: true });
  for (const name of delivered.filter(isDraft)) rmSync(join(paths.delivered, name), { force: true });

  const found = [...piecesIn(paths.delivered, delivered), ...piecesIn(paths.taken, taken)].toSorted(
    (a, b) => compareIds(a.start, b.start) || compareIds(b.end!, a.end!) || Number(b.isMerged) - Number(a.isMerged),
  );
  const pieces: LogFile[] = [];
  const astray: { path: string; above: string }[] = [];
  for (const file of found) {
    const before = pieces.at(-1);
    if (!before || compareIds(file.start, before.end!) >= 0) pieces.push(file);
    else if (isPartOf(file, before) || isSecondName(file, before)) rmSync(file.path, { force: true });
    else astray.push({ path: file.path, above: file.end! });
  }
  const inodes = new Set(pieces.map(({ path }) => statIfThere(path)?.ino));
  const unplaced = taken
    .filter(isNew)
    .toSorted()
    .map((name) => ({ path: join(paths.taken, name) }));
  return { pieces, unplaced: [...astray, ...unplaced].filter((file) => !removedSecondName(file.path, inodes)) };
}

/** Makes an empty piece: its ids were given to mail that is gone, and must not be given again. */
export function makeEmptyPiece(paths: MailboxPaths, start: string, end: string): LogFile {
  const path = join(paths.delivered, pieceName(start, end));
  writing(() => {
    makeDirectory(paths.delivered);
    writeFileSync(path, '', { flag: 'a', mode: FILE_MODE }); // it may exist, from a call whose sync failed
    syncDirectory(paths.delivered);
  });
  return new LogFile(path, start, end);
}

/** Gives a taken file its name as a piece. It is linked, not renamed, so it can never replace a piece. */
export function placePiece(paths: MailboxPaths, file: LogFile, end: string): void {
  const path = join(paths.taken, pieceName(file.start, end, file.from));
  if (file.path === path) return;
  if (statIfThere(path)?.ino !== file.ino) linkSync(file.path, path);
  rmSync(file.path, { force: true });
  file.path = path;
}

/** Does the same for a read-only file, which we may not link. `to`: where it ends. */
export function placeReadOnly({ taken }: MailboxPaths, file: LogFile, end: string, to: number): void {
  movePiece(file, taken, pieceName(file.start, end, file.from, to));
}

/** Moves a piece, or gives it another name. */
export function movePiece(file: LogFile, dir: string, name = parse(file.path).base): void {
  const path = join(dir, name);
  if (path === file.path) return;
  if (statIfThere(path)) throw new Error(`${path} is there already`);
  renameSync(file.path, path);
  file.path = path;
}

/** The pieces in a directory, in no order. */
export function piecesIn(dir: string, names: readonly string[] = namesIn(dir)): LogFile[] {
  return names.flatMap((name) => {
    const [, start = '', end = ''] = PIECE.exec(name) ?? [];
    return isEventId(start) && isEventId(end) ? [new LogFile(join(dir, name), start, end)] : [];
  });
}

/** Whether `merged` names this file among its parts. The range alone does not tell: another owner's piece may have the same one. */
function isPartOf(file: LogFile, merged: LogFile): boolean {
  if (!merged.isMerged) return false;
  const head = readPart(merged.path, 0, MAX_HEAD_BYTES).toString('latin1');
  const [line = ''] = head.split('\n', 1);
  return line.startsWith(': parts ') && line.split(' ').includes(parse(file.path).base);
}

function isSecondName(file: LogFile, other: LogFile): boolean {
  const stat = statIfThere(file.path);
  const same = statIfThere(other.path);
  return (stat?.ino === same?.ino && stat?.dev === same?.dev) || isCopyOf(other.path, file.path);
}

/** A crash between the two steps of `placePiece` leaves a file under both names. */
function removedSecondName(path: string, inodes: ReadonlySet<number | undefined>): boolean {
  if (!inodes.has(statIfThere(path)?.ino)) return false;
  rmSync(path, { force: true });
  return true;
}

/** Whether this is the name of a merge that is under way. */
export function isDraft(name: string): boolean {
  return name.startsWith('draft-');
}
