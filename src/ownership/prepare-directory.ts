import { accessSync, constants, realpathSync } from 'node:fs';
import { makeDirectory } from '../files/disk.ts';
import { checkLayout } from '../files/layout.ts';

/**
 * Makes a data directory if need be, and gives its real path. Throws the system's error when it cannot be made or written,
 * UNKNOWN_LAYOUT when another version made it.
 */
export function prepareDirectory(path: string): string {
  makeDirectory(path);
  const dir = realpathSync(path);
  accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  checkLayout(dir);
  return dir;
}
