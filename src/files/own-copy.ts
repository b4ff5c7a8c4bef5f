/**
 * If the group may write mailboxes, the log gets copies of them. A program may still have the old file open, or have
 * linked it, and must not be able to change mail that was received.
 */
import { closeSync, fstatSync, futimesSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join, parse } from 'node:path';
import { Slices } from '../words/slices.ts';
import {
  FILE_MODE,
  READ,
  borrowRange,
  randomName,
  statIfThere,
  sync,
  syncDirectoryAsync,
  withFile,
  writing,
} from './disk.ts';
import type { LogFile } from './log-file.ts';
import { NEW_FILE } from './replace-file.ts';

const CHUNK_BYTES = 256 * 1024;

/** Copies the first `size` bytes of a piece to `dir` and removes the original. A crash leaves a draft, or both files: see `isCopyOf`. */
export async function moveAsCopy(file: LogFile, dir: string, size: number): Promise<void> {
  const path = join(dir, parse(file.path).base);
  const draft = join(dir, `draft-${randomName()}`);
  if (statIfThere(path)) throw new Error(`${path} is there already`);
  try {
    await copy(file.path, draft, size);
    writing(() => renameSync(draft, path));
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  await syncDirectoryAsync(dir);
  rmSync(file.path, { force: true });
  file.path = path;
  file.ino = statIfThere(path)?.ino;
}

/** Whether both files are the same piece, because of a crash between copy and removal. */
export function isCopyOf(copied: string, original: string): boolean {
  if (parse(copied).base !== parse(original).base) return false;
  return withFile(copied, READ, (a) =>
    withFile(original, READ, (b) => {
      const { size } = fstatSync(a);
      if (size !== fstatSync(b).size) return false;
      for (let at = 0; at < size; at += CHUNK_BYTES) {
        const bytes = Buffer.from(borrowRange(a, at, Math.min(size, at + CHUNK_BYTES)));
        if (!bytes.equals(borrowRange(b, at, Math.min(size, at + CHUNK_BYTES)))) return false;
      }
      return true;
    }),
  );
}

async function copy(from: string, to: string, size: number): Promise<void> {
  const slices = new Slices();
  const source = openSync(from, READ);
  try {
    const target = writing(() => openSync(to, NEW_FILE, FILE_MODE));
    try {
      for (let at = 0; at < size;) {
        const bytes = borrowRange(source, at, Math.min(size, at + CHUNK_BYTES));
        if (bytes.length === 0) break;
        at += writing(() => writeSync(target, bytes));
        await slices.rest();
      }
      const { atime, mtime } = fstatSync(source);
      futimesSync(target, atime, mtime); // its age is that of its mail
      await sync(target);
    } finally {
      closeSync(target);
    }
  } finally {
    closeSync(source);
  }
}
