/** The few file-system calls this product makes, with the errors it must tell apart. */
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  readdirSync,
  renameSync,
  statSync,
  statfsSync,
  writeFileSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';

/** Never follow a link, never wait for the other end of a FIFO. */
export const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const { O_RDWR, O_RDONLY, O_APPEND, O_CREAT } = constants;

/** What this product makes is for its owner alone. */
export const FILE_MODE = 0o600;
export const DIRECTORY_MODE = 0o700;

export const APPEND = O_RDWR | O_APPEND | SAFELY;
export const APPEND_OR_CREATE = APPEND | O_CREAT;
export const READ = O_RDONLY | SAFELY;

const SCRATCH_BYTES = 256 * 1024;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

const fdatasyncAsync = promisify(fdatasync);

const SYNC_FAILED = 'fdatasync failed: the disk no longer keeps what it accepted';

/** A failed `fdatasync`: what the kernel still had to write may be gone, and asking again would not tell. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
}

/** Resolves when what was written to `fd` is on disk; a SyncError means that this process must stop. */
export async function sync(fd: number): Promise<void> {
  try {
    await fdatasyncAsync(fd);
  } catch (error) {
    throw new SyncError(SYNC_FAILED, { cause: error });
  }
}

/** Makes a directory, and its parents, durable; does nothing when it is there. */
export function makeDirectory(path: string): void {
  try {
    makeOneDirectory(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    makeDirectory(dirname(path)); // not mkdir's own recursion: below /proc it never ends
    makeOneDirectory(path);
  }
}

function makeOneDirectory(path: string): void {
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
  } catch (error) {
    if (isErrno(error, 'EEXIST') && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
    throw error;
  }
  syncDirectory(dirname(path));
}

/** Makes a new name in a directory durable. */
export function syncDirectory(path: string): void {
  withFile(path, constants.O_RDONLY | constants.O_DIRECTORY, (fd) => fsyncSync(fd));
}

/** The same without making others wait. */
export async function syncDirectoryAsync(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Whether this process may do that (`R_OK`, `W_OK`) with what is at `path`. */
export function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Puts a file in the place of whatever is there, at once and for good. */
export function replaceFile(path: string, text: string): void {
  makeDirectory(dirname(path));
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text, { mode: FILE_MODE, flush: true });
  renameSync(draft, path);
  syncDirectory(dirname(path)); // a power cut must not bring back what it replaced
}

/** Opens a file for the time of `work`. */
export function withFile<T>(path: string, flags: number, work: (fd: number) => T): T {
  const fd = openSync(path, flags, FILE_MODE);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

/** Appends in ONE write: all of `bytes`, or DISK_FULL / WRITE_FAILED (what was written then counts for nothing). */
export function appendWhole(fd: number, bytes: Buffer): void {
  if (writing(() => writeSync(fd, bytes)) < bytes.length) throw diskFull();
}

/** What `work` returns; a failed write, creation or rename is translated for the caller. */
export function writing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw writeError(error);
  }
}

export function writeError(error: unknown): unknown {
  if (isErrno(error, 'ENOSPC', 'EDQUOT', 'EFBIG')) return diskFull(error);
  if (isErrno(error, 'EIO', 'EROFS')) {
    return new MailboxError('WRITE_FAILED', `The message could not be written (${error.code}): nothing was accepted.`, {
      cause: error,
    });
  }
  return error;
}

/** DISK_FULL when nothing can be written there: root may use what is set aside for it. */
export function refuseWhenFull(path: string): void {
  const { bavail, bfree } = statfsSync(path);
  if ((process.getuid?.() === 0 ? bfree : bavail) === 0) throw diskFull();
}

function diskFull(cause?: unknown): MailboxError {
  return new MailboxError('DISK_FULL', 'The disk is full: nothing was accepted. Free some space, then send again.', {
    cause,
  });
}

/** The bytes `from` to `to` of a file, fewer where it ends earlier. */
export function readRange(fd: number, from: number, to: number): Buffer {
  return readInto(Buffer.allocUnsafe(Math.max(0, to - from)), fd, from);
}

/**
 * The same for whoever is done with the bytes at once: they are good only until the next call. Buffers of this size are
 * not on the heap, and hundreds of them stand in memory before anyone collects them.
 */
export function borrowRange(fd: number, from: number, to: number): Buffer {
  const length = Math.max(0, to - from);
  return length > SCRATCH_BYTES ? readRange(fd, from, to) : readInto(scratch.subarray(0, length), fd, from);
}

function readInto(bytes: Buffer, fd: number, from: number): Buffer {
  let length = 0;
  while (length < bytes.length) {
    const read = readSync(fd, bytes, length, bytes.length - length, from + length);
    if (read === 0) break;
    length += read;
  }
  return bytes.subarray(0, length);
}

/** Appends the bytes `from` to `to` of a file to another, fewer where it ends earlier; a piece at a time. */
export function copyRange(fd: number, from: number, to: number, copy: number): void {
  for (let at = from; at < to;) {
    const chunk = borrowRange(fd, at, Math.min(to, at + SCRATCH_BYTES));
    if (chunk.length === 0) break;
    at += writeSync(copy, chunk);
  }
}

export function sizeOf(fd: number): number {
  return fstatSync(fd).size;
}

/** What stands at `path` itself (a link is not followed), or undefined. */
export function statIfThere(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

/** The names in a directory; none when it is not there. */
export function namesIn(path: string): string[] {
  return ifThere(() => readdirSync(path)) ?? [];
}

/** What `work` returns; undefined when its file does not exist. */
export function ifThere<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/** Gives a file this mode, and this owner where we may. The owner first: changing it takes mode bits away. */
export function imitate(fd: number, { mode, uid, gid }: Pick<Stats, 'mode' | 'uid' | 'gid'>): void {
  for (const owner of [uid, process.geteuid!()]) {
    try {
      fchownSync(fd, owner, gid);
      break;
    } catch (error) {
      if (!isErrno(error, 'EPERM')) throw error;
    }
  }
  fchmodSync(fd, mode & 0o7777);
}
