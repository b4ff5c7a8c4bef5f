import { createHash } from 'node:crypto';
import { realpathSync } from 'node:fs';

/** Tells whether two servers serve the same directory, without telling which: SHA-256 of its real path, in hex. */
export function directoryHash(dir: string): string {
  return createHash('sha256').update(realpathSync(dir)).digest('hex');
}
