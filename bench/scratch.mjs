import { mkdirSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const TMPFS = 0x01021994;

/** A fresh directory on a real disk: syncing memory would cost nothing, and tell nothing. */
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
