import { compareIds, idTime } from './event-id.ts';
import { beginning, type ReadState } from './read-state.ts';

const CHECKPOINT_BYTES = 256 * 1024;
const RECENT_STATES = 64;
const RANGE = /_(\d{1,15})(?:_(\d{1,15}))?\.txt$/;

/** One file of a mailbox's log: a piece, or the mailbox itself as long as it has no `end`. */
export class LogFile {
  /** The id that it begins after, and the id that the next one begins after. */
  readonly start: string;
  end: string | undefined;
  /** What stands before it was read by version 1: `<start>_<end>_<from>.txt`. */
  readonly from: number;
  /** Of a file that we may not write to: where it ends, since no end marker can say it: `<start>_<end>_<from>_<to>.txt`. */
  to: number | undefined;
  /** Several pieces written into one, in a form of its own. */
  readonly isMerged: boolean;
  /** Changes when the file is renamed. */
  path: string;
  ino: number | undefined;
  /** Bytes from here on may not be on disk yet, or are not read yet. */
  readTo = Infinity;
  /** As it was when it was last read. */
  size = 0;
  /** When the newest foreign mail was read of a file that has no end yet, in Unix ms. */
  foreignMs = 0;
  /** Whether bytes were found in it that are no text. */
  isRaw = false;
  /** Whether all of it was read, and has its checkpoints. */
  isScanned = false;
  /** Foreign mail behind the id `own`: up to `to` there is nothing else. `ms`: the time of what then comes of ours. */
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

  /** Nothing is added to it any more, but what comes late. */
  close(end: string, to?: number): void {
    this.end = end;
    this.to = to;
    this.readTo = to ?? Infinity;
    if (to !== undefined) this.foreignMs = idTime(end);
  }

  /** From where to look for what follows `cursor`. */
  before(cursor: string): ReadState {
    const known = this.#checkpoints.findLast(({ last }) => compareIds(last, cursor) <= 0) ?? this.first;
    const recent = this.#recent.findLast(({ last, offset }) => offset > known.offset && compareIds(last, cursor) <= 0);
    return recent ?? known;
  }

  /** Where a reading can begin, in order: at the beginning, and every 256 KiB as far as it has been read. */
  get beginnings(): readonly ReadState[] {
    return [this.first, ...this.#checkpoints];
  }

  /** Remembers a state that a reading has come to. */
  note(state: ReadState): void {
    if (state.offset >= (this.#checkpoints.at(-1)?.offset ?? 0) + CHECKPOINT_BYTES) this.#checkpoints.push(state);
  }

  /** Remembers where a reader has stopped, who will go on there soon. */
  noteStop(state: ReadState): void {
    if (this.#recent.push(state) > RECENT_STATES) this.#recent.shift();
  }

  /** Frees the memory: what is forgotten is read again. */
  forgetStates(): void {
    this.#checkpoints = [];
    this.#recent = [];
    this.isScanned = false;
    this.run = undefined;
  }
}

/** The file that was meant does not stand at its path any more: look again what does. */
export class FileGone extends Error {
  override readonly name = 'FileGone';
}
