import { constants, fsyncSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  FILE_MODE,
  SAFELY,
  makeDirectory,
  namesIn,
  randomName,
  statIfThere,
  syncDirectory,
  syncDirectoryAsync,
  withFile,
} from './disk.ts';

/** Fails if the path exists, even as a link. */
export const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | SAFELY;

const DRAFT = '.draft-';
/** A draft that is older was left by a process that died. */
const LEFT_MS = 60_000;

/** Writes a whole file, which replaces the old one atomically and durably. */
export function replaceFile(path: string, text: string): void {
  const draft = draftFor(path);
  makeDirectory(dirname(path));
  try {
    withFile(draft, NEW_FILE, (fd) => {
      writeFileSync(fd, text);
      fsyncSync(fd);
    });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  syncDirectory(dirname(path)); // otherwise a power cut may bring back the old one
}

/** The same without blocking the event loop. */
export async function replaceFileAsync(path: string, text: string): Promise<void> {
  const draft = draftFor(path);
  makeDirectory(dirname(path));
  try {
    const file = await open(draft, NEW_FILE, FILE_MODE);
    try {
      await file.writeFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw error;
  }
  await syncDirectoryAsync(dirname(path));
}

/** Removes the drafts that killed processes left in `dir`. */
export function removeDrafts(dir: string): void {
  for (const name of namesIn(dir).filter((each) => each.startsWith(DRAFT))) {
    const path = join(dir, name);
    const stat = statIfThere(path);
    if (stat?.isFile() && Date.now() - stat.mtimeMs > LEFT_MS) rmSync(path, { force: true });
  }
}

function draftFor(path: string): string {
  return join(dirname(path), `${DRAFT}${randomName()}`);
}
