import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The user that the service runs as. */
export const SERVICE = 65_534;

/** Makes the data directory of a service that runs as another user. */
export function serviceDirectoryIn(parent: string): string {
  chmodSync(parent, 0o755);
  const dir = join(parent, 'mailboxes');
  mkdirSync(dir, { mode: 0o700 });
  chownSync(dir, SERVICE, SERVICE);
  return dir;
}

/** What in it does not belong to the service. */
export function foreignIn(dir: string): string[] {
  const all = readdirSync(dir, { recursive: true, withFileTypes: true }).map((entry) =>
    join(entry.parentPath, entry.name),
  );
  return all.filter((path) => lstatSync(path).uid !== SERVICE);
}
