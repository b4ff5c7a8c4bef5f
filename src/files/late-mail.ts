/**
 * Late mail: a program that opened a mailbox before it was taken can write to the piece for as long as it keeps it open.
 * Text behind the end marker is brought in: it is written again, into the mailbox, with the piece and bytes that it is from.
 */
import { setTimeout } from 'node:timers/promises';
import type { MailEvent } from '../words/mailbox-store.ts';
import { ifThere, readPart, statIfThere } from './disk.ts';
import { compareIds, idTime } from './event-id.ts';
import { lateFrame } from './frames.ts';
import type { LogFile } from './log-file.ts';
import { chunksOf } from './log-reading.ts';
import type { MailLog } from './mail-log.ts';
import { MailReader } from './mail-reader.ts';
import { behindEnd, type ReadEvent, type ReadState } from './read-state.ts';
import { TAIL_MS } from './mailbox-file.ts';
import { writeFrames, type Draft } from './write-frames.ts';

/** How much is brought in at once: a few ms of work. */
const PORTION_EVENTS = 1000;
const PORTION_BYTES = 256 * 1024;
/** Holds the longest event that there can be. */
const MOST_BYTES = 2 * 1024 * 1024 + 64 * 1024;

/** A piece that another program may still have open. */
export interface OpenPiece {
  readonly file: LogFile;
  /** Behind its end marker, or behind the text that was brought in last. */
  state: ReadState;
  size: number;
  /** When it was last seen to grow, in ms of a clock that only rises. */
  grownMs: number;
  /** It ends in half a line that nobody continues. */
  isHalf: boolean;
}

/** A portion of late mail: its text, the events in it, and where the next one begins. */
interface Late {
  readonly bytes: Buffer;
  readonly events: readonly ReadEvent[];
  readonly state: ReadState;
}

/**
 * After a start, finds out how far each piece was brought in: the late frames behind it in the log say so. Call it in no
 * turn, since it may read much, and messages must not wait for that.
 */
export function learnLate(log: MailLog): Promise<void> {
  return (log.learning ??= openPieces(log).finally(() => (log.learning = undefined)));
}

async function openPieces(log: MailLog): Promise<void> {
  const { context, passes } = log;
  const { name } = log.paths;
  const files = log.pieces.filter((file) => log.paths.isTaken(file.path));
  for (const file of files) {
    if (isOpen(log, file)) continue;
    let state: ReadState = file.first;
    for await (const chunk of chunksOf(name, file, state, 'states')) ({ state } = chunk);
    if (context.isClosing) return;
    if (state.end !== undefined || file.to !== undefined) addOpen(log, file, state);
  }
  for (const file of filesBehind(log, files[0])) {
    for await (const { events } of chunksOf(name, file, file.first, mayHaveLateFrame)) {
      if (context.isClosing) return;
      for (const event of events) noteLate(log, event);
    }
  }
  log.isLateKnown = log.passes === passes;
}

/** What was read of the log behind a piece. */
function filesBehind({ files }: MailLog, piece: LogFile | undefined): LogFile[] {
  return piece ? files.filter(({ start, readTo }) => readTo > 0 && compareIds(start, piece.start) > 0) : [];
}

function mayHaveLateFrame(bytes: Buffer): boolean {
  return bytes.includes(': late ');
}

export function addOpen(log: MailLog, file: LogFile, state: ReadState): void {
  const grownMs = log.context.uptimeMs();
  log.open = log.open.concat({ file, state: behindEnd(state), size: state.offset, grownMs, isHalf: false });
}

/** Whether another program may still have this piece open. */
export function isOpen({ open }: MailLog, file: LogFile): boolean {
  return open.some((piece) => piece.file === file);
}

export function removeOpen(log: MailLog, piece: OpenPiece): void {
  log.open = log.open.filter((other) => other !== piece);
}

/** Records that late mail was brought in. Only frames that were read count: a frame that we wrote may be void. */
export function noteLate(log: MailLog, { late }: ReadEvent): void {
  if (!late) return;
  const open = log.open.find(({ file }) => file.start === late.piece);
  if (open && late.to > open.state.offset) open.state = behindEnd(open.state, late.to);
}

/** Whether some open piece has grown since it was last read, or we do not know yet. Costs a `stat` for each. */
export function hasLate(log: MailLog): boolean {
  if (!log.isLateKnown) return log.learning === undefined;
  const nowMs = log.context.uptimeMs();
  return log.open.some((open) => {
    const size = statIfThere(open.file.path)?.size ?? 0;
    if (size !== open.size) return true;
    return size > open.state.offset && nowMs - open.grownMs >= TAIL_MS && !open.isHalf;
  });
}

/**
 * Brings in late mail, oldest piece first, one portion or more while `goesOn`: a program that writes all the time must not
 * hold up our own mail. `prepare`: as for an append.
 */
export async function bringLate(
  log: MailLog,
  prepare: () => Promise<void>,
  goesOn = (): boolean => true,
): Promise<void> {
  if (!log.isLateKnown || !hasLate(log)) return;
  for (const open of log.open.toSorted((a, b) => compareIds(a.file.start, b.file.start))) {
    while (await broughtMore(log, open, prepare)) {
      await setTimeout(0); // lets other work go first
      if (goesOn()) continue;
      open.size = open.state.offset; // it counts as grown, so the next call goes on with it
      return;
    }
  }
}

async function broughtMore(log: MailLog, open: OpenPiece, prepare: () => Promise<void>): Promise<boolean> {
  const late = lateIn(log, open, PORTION_BYTES) ?? lateIn(log, open, MOST_BYTES);
  if (!late) return false;
  if (late.events.length > 0) {
    await prepare();
    if (!(await writeFrames(log, draftOf(log, open, late)))) return true;
    log.context.onForeign(late.events.length);
  }
  open.state = late.state;
  return true;
}

/** At most `most` bytes behind what was brought in. Undefined if there are none, or the piece is gone. */
function unreadOf(log: MailLog, open: OpenPiece, most: number): Buffer | undefined {
  const { offset } = open.state;
  const size = statIfThere(open.file.path)?.size;
  if (size === undefined) {
    removeOpen(log, open); // somebody removed it
    return undefined;
  }
  if (size !== open.size) open.grownMs = log.context.uptimeMs();
  open.size = size;
  if (size <= offset) return undefined;
  return ifThere(() => readPart(open.file.path, offset, Math.min(size, offset + most)));
}

/** The next portion. Lines without their blank line count after 5 s. Undefined if `most` bytes have nothing whole yet. */
function lateIn(log: MailLog, open: OpenPiece, most: number): Late | undefined {
  const bytes = unreadOf(log, open, most);
  if (!bytes) return undefined;
  const reader = new MailReader(log.paths.name, open.state);
  const events = reader.read(bytes, PORTION_EVENTS);
  if (reader.state.offset > open.state.offset) return { bytes, events, state: reader.state };
  if (bytes.length === most) return undefined;
  const isOver = log.context.uptimeMs() - open.grownMs >= TAIL_MS;
  open.isHalf = isOver && reader.tailOf(bytes) === 'partial';
  if (!isOver || open.isHalf) return undefined;
  const ended = reader.read(Buffer.concat([bytes, Buffer.from('\n\n')]));
  return { bytes, events: ended, state: { ...reader.state, offset: open.state.offset + bytes.length } };
}

function draftOf(log: MailLog, open: OpenPiece, { bytes, events }: Late): Draft {
  const { clock, now } = log.context;
  const { offset } = open.state;
  let { last } = log.current.state;
  let place: Parameters<typeof lateFrame>[0] = log.current.state;
  const made: MailEvent[] = [];
  const frames: Buffer[] = [];
  for (const { from, end, data, type } of events) {
    last = clock.next(last, now());
    const to = Math.min(end, offset + bytes.length);
    const block = bytes.subarray(from - offset, to - offset);
    frames.push(lateFrame(place, last, { piece: open.file.start, from, to }, block));
    made.push({ id: last, time: idTime(last), data, type, foreign: true });
    place = { own: last };
  }
  return { events: made, keyed: new Map(), bytes: Buffer.concat(frames) };
}
