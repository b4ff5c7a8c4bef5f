/** The file-system calls that this product makes, and the errors that it must tell apart. */
import { randomBytes } from 'node:crypto';
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
  rmSync,
  rmdirSync,
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

/** Do not follow a link, and do not wait for the other end of a FIFO. */
export const SAFELY = constants.O_NOFOLLOW | constants.O_NONBLOCK;
const { O_RDWR, O_RDONLY, O_APPEND } = constants;

/** Only the user who runs the server may use the files that it makes. */
export const FILE_MODE = 0o600;
export const DIRECTORY_MODE = 0o700;

export const APPEND = O_RDWR | O_APPEND | SAFELY;
export const READ = O_RDONLY | SAFELY;

const SCRATCH_BYTES = 256 * 1024;
const scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);

const fdatasyncAsync = promisify(fdatasync);

const SYNC_FAILED = 'fdatasync failed: the disk may have lost what was written';

/** A failed `fdatasync`: the kernel may have dropped what it had to write, and a second call would not report it. */
export class SyncError extends Error {
  override readonly name = 'SyncError';
}

/** Resolves once all that was written to `fd` is on disk. After a SyncError this process must stop. */
export async function sync(fd: number): Promise<void> {
  try {
    await fdatasyncAsync(fd);
  } catch (error) {
    throw new SyncError(SYNC_FAILED, { cause: error });
  }
}

/** Makes a directory and its parents, and syncs their names. Does nothing if the directory exists. */
export function makeDirectory(path: string): void {
  for (const parent of parentsOfMade(path)) syncDirectory(parent);
}

/** Does the same, but syncs without blocking the event loop. */
export async function makeDirectoryAsync(path: string): Promise<void> {
  for (const parent of writing(() => parentsOfMade(path))) await syncDirectoryAsync(parent);
}

/** Makes a directory and its parents. Returns the directories in which there is a new name, outermost first. */
function parentsOfMade(path: string): string[] {
  try {
    return parentIfMade(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
    return [...parentsOfMade(dirname(path)), ...parentIfMade(path)]; // mkdir's own recursion never ends below /proc
  }
}

function parentIfMade(path: string): string[] {
  try {
    mkdirSync(path, { mode: DIRECTORY_MODE });
    return [dirname(path)];
  } catch (error) {
    if (isErrno(error, 'EEXIST') && statSync(path, { throwIfNoEntry: false })?.isDirectory()) return [];
    throw error;
  }
}

/** Makes the names in a directory durable. */
export function syncDirectory(path: string): void {
  withFile(path, constants.O_RDONLY | constants.O_DIRECTORY, (fd) => fsyncSync(fd));
}

/** Does the same without blocking the event loop. */
export async function syncDirectoryAsync(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** Whether this process may read (`R_OK`) or write (`W_OK`) the file at `path`. */
export function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

/** Opens a file while `work` runs. */
export function withFile<T>(path: string, flags: number, work: (fd: number) => T): T {
  const fd = openSync(path, flags, FILE_MODE);
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

/** Appends `bytes` in one write. DISK_FULL or WRITE_FAILED if not all were written: a part of a frame does not count. */
export function appendWhole(fd: number, bytes: Buffer): void {
  if (writing(() => writeSync(fd, bytes)) < bytes.length) throw diskFull();
}

/** Returns what `work` returns. An error of a write, creation or rename becomes a MailboxError where the caller can act on it. */
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
    const why = `The disk failed while the message was written (${error.code}). Nothing was accepted.`;
    return new MailboxError('WRITE_FAILED', why, { cause: error });
  }
  return error;
}

/**
 * Throws DISK_FULL if no block is free. Root may also use the reserved ones. Writes a file as a test: only that shows a
 * used-up quota, or a lack of inodes.
 */
export function throwIfFull(path: string, probe: string): void {
  const { bavail, bfree } = statfsSync(path);
  if ((process.getuid?.() === 0 ? bfree : bavail) === 0) throw diskFull();
  writing(() => writeFileSync(probe, 'x', { mode: FILE_MODE }));
  rmSync(probe, { force: true });
}

function diskFull(cause?: unknown): MailboxError {
  return new MailboxError('DISK_FULL', 'The disk is full. Nothing was accepted. Free some space, then send again.', {
    cause,
  });
}

/** The bytes `from` to `to` of the file at `path`, fewer if it ends earlier. */
export function readPart(path: string, from: number, to: number): Buffer {
  return withFile(path, READ, (fd) => readRange(fd, from, to));
}

/** The same of an open file. */
export function readRange(fd: number, from: number, to: number): Buffer {
  return readInto(Buffer.allocUnsafe(Math.max(0, to - from)), fd, from);
}

/**
 * Does the same, but the bytes are valid only until the next call. Buffers of this size lie outside the heap, where hundreds
 * of them would pile up before they are collected, so one buffer serves all calls.
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

export function sizeOf(fd: number): number {
  return fstatSync(fd).size;
}

/** What is at `path`, without following a link; undefined if nothing is. */
export function statIfThere(path: string): Stats | undefined {
  return lstatSync(path, { throwIfNoEntry: false });
}

export function randomName(): string {
  return randomBytes(9).toString('hex');
}

/** The names in a directory; none if it does not exist. */
export function namesIn(path: string): string[] {
  return ifThere(() => readdirSync(path)) ?? [];
}

/** Removes a directory, unless it has something in it. Whether it was removed. */
export function removedIfEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOTEMPTY', 'EEXIST', 'ENOENT')) return false;
    throw error;
  }
}

/** Returns what `work` returns, or undefined if its file does not exist. */
export function ifThere<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

/**
 * Gives a file or directory this mode, and this owner if we may. The owner comes first, since changing it clears mode
 * bits. A file never gets set-user-ID bits: it may be ours now, with contents that are somebody else's.
 */
export function setModeAndOwner(fd: number, { mode, uid, gid }: Pick<Stats, 'mode' | 'uid' | 'gid'>): void {
  for (const owner of [uid, process.geteuid!()]) {
    try {
      fchownSync(fd, owner, gid);
      break;
    } catch (error) {
      if (!isErrno(error, 'EPERM')) throw error;
    }
  }
  fchmodSync(fd, mode & (fstatSync(fd).isDirectory() ? 0o7777 : 0o777));
}
