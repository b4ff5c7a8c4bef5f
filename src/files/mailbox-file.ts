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

/** Lines without their blank line count once the file has not grown for this long. */
export const TAIL_MS = 5000;
const CHUNK_BYTES = 256 * 1024;
/** If more than this comes at once, its events are not kept in memory: they are read again when wanted. */
const KEPT_BYTES = 1024 * 1024;

/** What was read from a stretch of a mailbox. */
export interface Found {
  readonly before: ReadState;
  readonly after: ReadState;
  /** Undefined if there were too many to keep. */
  readonly events: readonly ReadEvent[] | undefined;
}

type OnFound = (found: Found) => void;

/** A mailbox file, or one that was just renamed away, and how far it was read. It is open only while it is used. */
export class MailboxFile {
  readonly log: LogFile;
  /** How many bytes were looked at. Those behind `state.offset` are an unfinished event. */
  size = 0;
  tail: 'none' | 'lines' | 'partial' = 'none';
  /** Another user's file that we may only read: it must be taken before we can write. */
  isReadOnly = false;
  #tailSize = 0;
  #tailMs = 0;
  readonly #mailbox: MailboxName;
  readonly #isAllowed: (stat: Stats) => boolean;
  #reader: MailReader;
  #fd: number | undefined;

  /** `isAllowed`: whether a plain file may be a mailbox. */
  constructor(mailbox: MailboxName, path: string, start: string, isAllowed: (stat: Stats) => boolean) {
    this.#mailbox = mailbox;
    this.#isAllowed = isAllowed;
    this.log = new LogFile(path, start);
    this.log.readTo = 0;
    this.size = this.log.from;
    this.#reader = new MailReader(mailbox, this.log.first);
  }

  get state(): ReadState {
    return this.#reader.state;
  }

  /** Undefined until a file was found at the path. */
  get ino(): number | undefined {
    return this.log.ino;
  }

  /** It exists but was never read, perhaps because we may not. So its ids are unknown. */
  get isUnread(): boolean {
    return this.ino === undefined && statIfThere(this.log.path)?.isFile() === true;
  }

  /** Its descriptor, for appending if we may. Throws FileGone if another file, or none, is at the path. */
  get fd(): number {
    return (this.#fd ??= this.#open(APPEND));
  }

  get stat(): Stats {
    return fstatSync(this.fd);
  }

  /** Whether nobody has continued the unfinished event at the end for 5 s. */
  isTailOver(uptimeMs: number): boolean {
    if (this.size !== this.#tailSize) [this.#tailSize, this.#tailMs] = [this.size, uptimeMs];
    return this.tail !== 'none' && uptimeMs - this.#tailMs >= TAIL_MS;
  }

  /** Makes the file, unless another program was faster, and syncs its name. */
  make(mode: number): void {
    try {
      this.#fd = openSync(this.log.path, APPEND | constants.O_CREAT | constants.O_EXCL, FILE_MODE);
      if (mode !== FILE_MODE) fchmodSync(this.#fd, mode); // the umask does not apply here
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

  /** Reads on to the end, in slices. What other programs wrote is synced before it is shown. */
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

  /**
   * Reads the little that came while we waited, at once and without a sync, and ends an unfinished event, so that our next
   * write does not become part of it. False if much has come, or an end marker.
   */
  endTailNow(onFound: OnFound): boolean {
    for (;;) {
      const { size } = this.stat;
      if (size - this.size > KEPT_BYTES) return false;
      while (this.size < size && this.state.end === undefined) onFound(this.#readChunk(size, Infinity));
      if (this.state.end !== undefined) return false;
      if (this.tail === 'none') return true;
      appendWhole(this.fd, Buffer.from(closing(this.tail)));
    }
  }

  /** Passes over events that we have just written right behind what was read. */
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
      if (isErrno(error, 'EMFILE', 'ENFILE')) throw error; // nothing is wrong with this file
      if (flags === READ || !isErrno(error, 'EACCES', 'EPERM')) throw unusable(path, error);
      this.isReadOnly = true;
      return this.#open(READ);
    }
    const stat = fstatSync(fd);
    const isMail = stat.isFile() && this.#isAllowed(stat);
    if (isMail && (ino === undefined || ino === stat.ino)) {
      this.log.ino = stat.ino;
      return fd;
    }
    closeSync(fd);
    throw isMail ? new FileGone(path) : unusable(path);
  }
}

export function unusable(path: string, cause?: unknown): MailboxError {
  const why = `${path} is not a plain file that this server may use, so it was left alone. Move it away to get a new mailbox.`;
  return new MailboxError('MAILBOX_UNUSABLE', why, { cause });
}
