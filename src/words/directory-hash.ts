import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';

/** SHA-256 of a directory's real path, in hex. Shows whether two servers serve the same directory, without naming it. */
export function directoryHash(dir: string): string {
  return createHash('sha256').update(realpathSync(dir)).digest('hex');
}
