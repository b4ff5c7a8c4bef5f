import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { afterThisTest } from './after-this-test.ts';
import { makeDirectory, removeDirectory } from './make-directory.ts';

/** A new directory for this test, removed after it. */
export function temporaryDirectory(): string {
  const dir = makeDirectory();
  afterThisTest(() => removeDirectory(dir));
  return dir;
}

/**
 * The names of everything in a directory, with hashes of the files. Two listings are equal if nothing was written between them.
 */
export function listing(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .map((entry) => {
      const path = join(entry.parentPath, entry.name);
      const contents = entry.isFile() ? ` ${createHash('sha256').update(readFileSync(path)).digest('hex')}` : '';
      return relative(dir, path) + contents;
    })
    .toSorted();
}
