import { closeSync, constants, fchmodSync, fstatSync, openSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import {
  APPEND,
  FILE_MODE,
  appendWhole,
  READ,
  borrowRange,
  statIfThere,
  sync,
  syncDirectory,
  writeError,
} from './disk.ts';
import { closing } from './frames.ts';
import { FileGone, LogFile } from './log-file.ts';
import { MailReader } from './mail-reader.ts';
import type { ReadEvent, ReadState } from './read-state.ts';
import { Slices } from '../words/slices.ts';

const CHUNK_BYTES = 256 * 1024;
/** When more than this has come at once, whoever wants its events reads them again. */
const KEPT_BYTES = 1024 * 1024;

/** What stands in a stretch of a mailbox. */
export interface Found {
  readonly before: ReadState;
  readonly after: ReadState;
  /** Undefined when there were too many to keep. */
  readonly events: readonly ReadEvent[] | undefined;
}

type OnFound = (found: Found) => void;

/** A mailbox file, or one that was just renamed away, as far as it was read. Open while it is used. */
export class MailboxFile {
  readonly log: LogFile;
  /** How much of it was looked at: behind `state.offset` only an event without its end. */
  size = 0;
  tail: 'none' | 'lines' | 'partial' = 'none';
  /** Made by another user, who lets us read it at most: it must be taken before anything is written. */
  isOthers = false;
  readonly #mailbox: MailboxName;
  #reader: MailReader;
  #fd: number | undefined;

  constructor(mailbox: MailboxName, path: string, start: string) {
    this.#mailbox = mailbox;
    this.log = new LogFile(path, start);
    this.log.readTo = 0;
    this.size = this.log.from;
    this.#reader = new MailReader(mailbox, this.log.first);
  }

  get state(): ReadState {
    return this.#reader.state;
  }

  /** Undefined until a file was found there. */
  get ino(): number | undefined {
    return this.log.ino;
  }

  /** It is there and was never read, maybe because it cannot be: of the ids in it nothing is known. */
  get isUnread(): boolean {
    return this.ino === undefined && statIfThere(this.log.path)?.isFile() === true;
  }

  /** Its descriptor, for appending if we may. Throws FileGone when it does not stand at its path any more. */
  get fd(): number {
    return (this.#fd ??= this.#open(APPEND));
  }

  get stat(): Stats {
    return fstatSync(this.fd);
  }

  /** Makes it, unless another program was quicker. The directory is synced then: a name may be lost, too. */
  make(mode: number): void {
    try {
      this.#fd = openSync(this.log.path, APPEND | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
      if (mode !== FILE_MODE) fchmodSync(this.#fd, mode); // whatever the umask says
    } catch (error) {
      if (isErrno(error, 'EEXIST')) return;
      throw writeError(error);
    }
    this.log.ino = this.stat.ino;
    syncDirectory(dirname(this.log.path));
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  /** Reads on to the end, in slices; what others wrote is on disk before it is told. */
  async readOn(onFound: OnFound): Promise<void> {
    const slices = new Slices();
    for (let { size } = this.stat; size > this.size; { size } = this.stat) {
      await sync(this.fd);
      const most = size - this.size > KEPT_BYTES ? 0 : Infinity;
      while (this.size < size && this.state.end === undefined) {
        onFound(this.#readChunk(size, most));
        await slices.rest();
      }
      if (this.state.end !== undefined) return;
    }
  }

  /** The same at once and without a sync, for the little that came while we waited; false when it is much. */
  readOnNow(onFound: OnFound): boolean {
    const { size } = this.stat;
    if (size - this.size > KEPT_BYTES) return false;
    while (this.size < size && this.state.end === undefined) onFound(this.#readChunk(size, Infinity));
    return true;
  }

  /** Also ends what was not finished, so that what we write next is not taken for more of it. */
  endTailNow(onFound: OnFound): boolean {
    while (this.readOnNow(onFound) && this.state.end === undefined) {
      if (this.tail === 'none') return true;
      appendWhole(this.fd, Buffer.from(closing(this.tail)));
    }
    return false;
  }

  /** So many bytes of ours with so many events stand right behind what was read: they need not be read. */
  passOwn(bytes: number, events: number, last: string): void {
    const { start, form, count } = this.state;
    this.#reader = new MailReader(this.#mailbox, {
      form,
      start,
      offset: this.size + bytes,
      own: last,
      last,
      count: count + events,
    });
    this.#advance(this.size + bytes);
  }

  #readChunk(size: number, most: number): Found {
    const before = this.state;
    const bytes = borrowRange(this.fd, before.offset, Math.min(size, this.size + CHUNK_BYTES));
    const events = this.#reader.read(bytes, most);
    const after = this.state;
    this.tail = after.isLong ? 'partial' : this.#reader.tailOf(bytes.subarray(after.offset - before.offset));
    this.#advance(before.offset + bytes.length);
    return { before, after, events: most === 0 ? undefined : events };
  }

  #advance(size: number): void {
    this.size = size;
    this.log.readTo = this.state.offset;
    this.log.note(this.state);
  }

  #open(flags: number): number {
    const { path, ino } = this.log;
    let fd: number;
    try {
      fd = openSync(path, flags);
    } catch (error) {
      if (isErrno(error, 'ENOENT')) throw new FileGone(path);
      if (flags === READ || !isErrno(error, 'EACCES', 'EPERM')) throw unusable(path, error);
      this.isOthers = true;
      return this.#open(READ);
    }
    const stat = fstatSync(fd);
    if (stat.isFile() && (ino === undefined || ino === stat.ino)) {
      this.log.ino = stat.ino;
      return fd;
    }
    closeSync(fd);
    throw stat.isFile() ? new FileGone(path) : unusable(path);
  }
}

export function unusable(path: string, cause?: unknown): MailboxError {
  const why = `${path} is not a plain file that this server may use: it is left alone. Move it away to get a mailbox again.`;
  return new MailboxError('MAILBOX_UNUSABLE', why, { cause });
}
