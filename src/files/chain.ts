/**
 * The files of one mailbox's log:
 *
 *     .taken/henry/<start>_<end>.txt       was the mailbox; somebody may still have it open
 *     .taken/henry/new-<ms>-<random>.txt   was renamed away, and is without its end yet
 *     .taken/henry/successor-<random>      an empty file that was to become the mailbox
 *     .delivered/henry/<start>_<end>.txt   nobody writes to it any more; empty: ids were given to mail that is gone
 *     .delivered/henry/<start>_<end>.log   several of those, merged
 *     .delivered/henry/draft-<random>      a merge that was under way
 *
 * `_<from>` before the ending: what stands before it was read by version 1 (layout-one-box.ts). `_<from>_<to>`: the file is another
 * user's, and so has no end marker; what stands behind <to> is late.
 */
import { randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, parse } from 'node:path';
import {
  FILE_MODE,
  READ,
  makeDirectory,
  namesIn,
  readRange,
  statIfThere,
  syncDirectory,
  withFile,
  writing,
} from './disk.ts';
import { compareIds, isEventId } from './event-id.ts';
import { LogFile } from './log-file.ts';
import type { MailboxPaths } from './mailbox-paths.ts';

const MAX_HEAD_BYTES = 1024 * 1024;
const MS_DIGITS = 15;
const OFFSET = /^\d{1,15}$/;

/** A file without its place in the log. `above`: the id up to which frames in it may name ids. */
export interface Unplaced {
  readonly path: string;
  readonly above?: string;
}

/** What was found of a mailbox's log, in order. */
export interface Chain {
  readonly pieces: LogFile[];
  readonly unplaced: Unplaced[];
}

export function randomName(): string {
  return randomBytes(9).toString('hex');
}

/** A name in `.taken` that no file ever had: a rename to it replaces nothing. */
export function newName(now: number): string {
  return `new-${String(Math.max(0, now)).padStart(MS_DIGITS, '0')}-${randomName()}.txt`;
}

export function pieceName(start: string, end: string, from = 0, to?: number): string {
  if (to !== undefined) return `${start}_${end}_${from}_${to}.txt`;
  return from === 0 ? `${start}_${end}.txt` : `${start}_${end}_${from}.txt`;
}

/** Whether a name among the taken is of a file that has no end yet. */
export function isNew(name: string): boolean {
  return name.startsWith('new-') && name.endsWith('.txt');
}

/** Lists the log, and tidies away what a crash has left that holds no mail. */
export function listChain(paths: MailboxPaths): Chain {
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

/** A piece without a byte: so far ids were given to mail that is gone, or to mailboxes that were forgotten. */
export function makeEmptyPiece(paths: MailboxPaths, start: string, end: string): LogFile {
  const path = join(paths.delivered, pieceName(start, end));
  writing(() => {
    makeDirectory(paths.delivered);
    writeFileSync(path, '', { flag: 'a', mode: FILE_MODE }); // it is there when its sync failed before
    syncDirectory(paths.delivered);
  });
  return new LogFile(path, start, end);
}

/** Gives a file its place in the log. Nothing is ever renamed over a piece. */
export function placePiece(paths: MailboxPaths, file: LogFile, end: string): void {
  const path = join(paths.taken, pieceName(file.start, end, file.from));
  if (file.path === path) return;
  if (statIfThere(path)?.ino !== file.ino) linkSync(file.path, path);
  rmSync(file.path, { force: true });
  file.path = path;
}

/** The same for another user's file, which we may not link. `to`: where it ends. */
export function placeOthers({ taken }: MailboxPaths, file: LogFile, end: string, to: number): void {
  movePiece(file, taken, pieceName(file.start, end, file.from, to));
}

/** Moves a piece that nobody writes to any more. */
export function movePiece(file: LogFile, dir: string, name = parse(file.path).base): void {
  const path = join(dir, name);
  if (path === file.path) return;
  makeDirectory(dir);
  if (statIfThere(path)) throw new Error(`${path} is there already`);
  renameSync(file.path, path);
  file.path = path;
}

/** In no order. */
export function piecesIn(dir: string, names: readonly string[] = namesIn(dir)): LogFile[] {
  return names.flatMap((name) => {
    const { name: range, ext } = parse(name);
    const [start = '', end = '', from = '0', to = '0', more] = range.split('_');
    if ((ext !== '.txt' && ext !== '.log') || more !== undefined || !isEventId(start) || !isEventId(end)) return [];
    if (!OFFSET.test(from) || !OFFSET.test(to)) return [];
    return [new LogFile(join(dir, name), start, end)];
  });
}

/** By its name: a piece of the same range may be another owner's, and hold other mail. */
function isPartOf(file: LogFile, merged: LogFile): boolean {
  if (!merged.isMerged) return false;
  const head = withFile(merged.path, READ, (fd) => readRange(fd, 0, MAX_HEAD_BYTES)).toString('latin1');
  const [line = ''] = head.split('\n', 1);
  return line.startsWith(': parts ') && line.split(' ').includes(parse(file.path).base);
}

function isSecondName(file: LogFile, other: LogFile): boolean {
  const stat = statIfThere(file.path);
  const same = statIfThere(other.path);
  return stat?.ino === same?.ino && stat?.dev === same?.dev;
}

/** A crash between the two steps of `placePiece` leaves a file with both names. */
function removedSecondName(path: string, inodes: ReadonlySet<number | undefined>): boolean {
  if (!inodes.has(statIfThere(path)?.ino)) return false;
  rmSync(path, { force: true });
  return true;
}

/** Whether a name among the taken is of an empty file that was to become a mailbox. */
export function isSuccessor(name: string): boolean {
  return name.startsWith('successor-');
}

/** Whether a name among the delivered is of a merge that is under way. */
export function isDraft(name: string): boolean {
  return name.startsWith('draft-');
}
