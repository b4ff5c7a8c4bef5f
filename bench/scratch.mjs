import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TMPFS = 0x01021994;

/** Makes a directory on a real disk: to sync a file system in memory costs nothing and shows nothing. */
export function makeScratch() {
  const base = [tmpdir(), '/var/tmp', '.'].find((path) => statfsSync(path).type !== TMPFS) ?? '.';
  return mkdtempSync(join(base, 'mailbox-chat-bench-'));
}

let made = 0;

/** @param {string} scratch */
export function freshDirectory(scratch) {
  made += 1;
  const dir = join(scratch, String(made));
  mkdirSync(dir);
  return dir;
}

/** @param {string} dir */
export function remove(dir) {
  rmSync(dir, { recursive: true, force: true });
}
