import { dirname } from 'node:path';
import { lockSync } from 'proper-lockfile';
import { makeDirectory } from '../files/disk.ts';
import { LOCK_STALE_MS } from '../files/mailbox-locks.ts';
import { isErrno } from '../words/mailbox-error.ts';

/** Longer than any dead holder's lock lives. */
const WAIT_MS = 6000;
const PAUSE_MS = 5;

/** Does short work while no other process does it; the system's error when the lock cannot be had. For commands: it waits. */
export function withLock<T>(path: string, work: () => T): T {
  makeDirectory(dirname(path));
  const release = acquire(path);
  try {
    return work();
  } finally {
    release();
  }
}

function acquire(path: string): () => void {
  const endMs = performance.now() + WAIT_MS;
  for (;;) {
    try {
      return lockSync(path, { lockfilePath: path, realpath: false, stale: LOCK_STALE_MS });
    } catch (error) {
      if (!isErrno(error, 'ELOCKED') || performance.now() >= endMs) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    }
  }
}
