import { closeSync, fstatSync, openSync } from 'node:fs';
import { statIfThere } from './disk.ts';
import { compareIds, idTime } from './event-id.ts';
import { beginning, type ReadState } from './read-state.ts';

const CHECKPOINT_BYTES = 256 * 1024;
const RECENT_STATES = 64;
const RANGE = /_(\d{1,15})(?:_(\d{1,15}))?\.txt$/;

/** One file of a mailbox's log: a piece, or the mailbox itself while it has no `end`. */
export class LogFile {
  /** The id that this file begins after, and the id that the next one begins after. */
  readonly start: string;
  end: string | undefined;
  /** Version 1 has read the bytes before this offset: `<start>_<end>_<from>.txt`. */
  readonly from: number;
  /** Where a file ends that we may not write an end marker to: `<start>_<end>_<from>_<to>.txt`. */
  to: number | undefined;
  /** Whether it holds several pieces, in the form of a merged file. */
  readonly isMerged: boolean;
  /** Changes when the file is renamed. */
  path: string;
  ino: number | undefined;
  /** Bytes from here on must not be shown: they may not be on disk yet, or are not read yet. */
  readTo = Infinity;
  /** In bytes, when the file was last read; 0 if it was not read yet. */
  size = 0;
  /** When its newest foreign mail was read, in Unix ms, while the file has no end. */
  foreignMs = 0;
  /** Whether it has bytes that are not UTF-8. */
  isRaw = false;
  /** Whether it was read to its end, so that it has all its checkpoints. */
  isScanned = false;
  /** A run of foreign mail that follows the own id `own` and reaches at least to `to`. `ms`: the time of the own event after it. */
  run: { readonly own: string; readonly to: ReadState; readonly ms: number | undefined } | undefined;
  #checkpoints: ReadState[] = [];
  #recent: ReadState[] = [];

  constructor(path: string, start: string, end?: string) {
    this.path = path;
    this.start = start;
    const [, from, to] = RANGE.exec(path) ?? [];
    this.from = Number(from ?? 0);
    if (end !== undefined) this.close(end, to === undefined ? undefined : Number(to));
    this.isMerged = path.endsWith('.log');
  }

  get first(): ReadState {
    return { ...beginning(this.start, this.isMerged ? 'merged' : 'mail'), offset: this.from };
  }

  /** From now on only late mail is added. */
  close(end: string, to?: number): void {
    this.end = end;
    this.to = to;
    this.readTo = to ?? Infinity;
    if (to !== undefined) this.foreignMs = idTime(end);
  }

  /** In bytes, as of now if it was not read yet. */
  measure(): number {
    return (this.size ||= statIfThere(this.path)?.size ?? 0);
  }

  /** The nearest known state from which to read what follows `cursor`. */
  before(cursor: string): ReadState {
    const known = this.#checkpoints.findLast(({ last }) => compareIds(last, cursor) <= 0) ?? this.first;
    const recent = this.#recent.findLast(({ last, offset }) => offset > known.offset && compareIds(last, cursor) <= 0);
    return recent ?? known;
  }

  /** Where reading can begin, in order: at the beginning, and about every 256 KiB as far as the file was read. */
  get beginnings(): readonly ReadState[] {
    return [this.first, ...this.#checkpoints];
  }

  /** Keeps a state as a checkpoint if the last one is far enough away. */
  note(state: ReadState): void {
    if (state.offset >= (this.#checkpoints.at(-1)?.offset ?? 0) + CHECKPOINT_BYTES) this.#checkpoints.push(state);
  }

  /** Remembers where a reader stopped: it will soon go on from there. */
  noteStop(state: ReadState): void {
    if (this.#recent.push(state) > RECENT_STATES) this.#recent.shift();
  }

  /** Frees memory. What is forgotten can be read again. */
  forgetStates(): void {
    this.#checkpoints = [];
    this.#recent = [];
    this.isScanned = false;
    this.run = undefined;
  }
}

/** Opens a file of a log. Throws FileGone if another one is at its path now. */
export function openLogFile({ path, ino }: LogFile, flags: number): number {
  const fd = openSync(path, flags);
  if (ino === undefined || fstatSync(fd).ino === ino) return fd;
  closeSync(fd);
  throw new FileGone(path);
}

/** Another file, or none, is at the path now. */
export class FileGone extends Error {
  override readonly name = 'FileGone';
}
