import { dirname } from 'node:path';
import { lockSync } from 'proper-lockfile';
import { makeDirectory } from '../files/disk.ts';
import { LOCK_STALE_MS } from '../files/mailbox-locks.ts';
import { isErrno } from '../words/mailbox-error.ts';

/** Longer than the lock of a dead process lasts. */
const WAIT_MS = 6000;
const PAUSE_MS = 5;

/** Runs short work under a lock between processes. It blocks while it waits, and throws the system's error in the end. */
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
