import { rmdirSync, statSync } from 'node:fs';
import { lock } from 'proper-lockfile';
import type { Logger } from '../logger.ts';
import { MailboxError, isErrno } from '../mailbox-error.ts';

/** A lock whose holder has not touched it for so long is taken over: after a `kill -9` its mailbox waits so long. */
const STALE_MS = 2000;
const AHEAD_MS = 1000;
const TRIES = 3;

/** Waits about 6 s in all, then gives up: longer than any dead holder's lock lives. */
const RETRIES = { retries: 65, minTimeout: 5, maxTimeout: 100, randomize: true };

/**
 * Runs `work` under the lock directory `path`, between processes. The lock gives order and peace; no step may rely on
 * it for safety, because a holder that was stopped can lose it without noticing. MAILBOX_BUSY when it cannot be had.
 */
export async function withLock<T>(path: string, logger: Logger, work: () => T | Promise<T>): Promise<T> {
  const release = await acquire(path, logger);
  try {
    return await work();
  } finally {
    await release().catch((error: unknown) => logger.debug({ err: error, lock: path }, 'the lock was lost meanwhile'));
  }
}

async function acquire(path: string, logger: Logger): Promise<() => Promise<void>> {
  for (let attempt = 1; ; attempt += 1) {
    removeIfDatedAhead(path);
    try {
      return await lock(path, {
        lockfilePath: path,
        realpath: false,
        stale: STALE_MS,
        retries: RETRIES,
        onCompromised: (error) => logger.debug({ err: error, lock: path }, 'the lock was lost while it was held'),
      });
    } catch (error) {
      // ENOENT, EEXIST: the lock directory went or came between two calls of the library.
      if (attempt < TRIES && isErrno(error, 'ENOENT', 'EEXIST')) continue;
      throw new MailboxError('MAILBOX_BUSY', `This mailbox is locked by another program (${path}). Try again.`, {
        cause: error,
      });
    }
  }
}

/** A lock from a clock that was ahead would be waited for until the clock gets there. */
function removeIfDatedAhead(path: string): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat && stat.mtimeMs > Date.now() + AHEAD_MS) {
    try {
      rmdirSync(path);
    } catch {
      // Somebody was quicker, or it is not empty: taking the lock will tell.
    }
  }
}
