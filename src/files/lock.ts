import { rmdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as setTimeoutAsync } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import type { Logger } from '../logger.ts';
import { MailboxError } from '../mailbox-error.ts';
import { namesIn } from './disk.ts';

/** A lock whose holder has not touched it for so long is taken over: after a `kill -9` its mailbox waits so long. */
export const LOCK_STALE_MS = 2000;
const AHEAD_MS = 1000;
/** A holder that lives has touched its lock in this time, however slow its computer is. */
const DEAD_MS = 30_000;

/** Waits about 6 s in all, then gives up: longer than any dead holder's lock lives. */
const RETRIES = { retries: 65, minTimeout: 5, maxTimeout: 100, randomize: true };

/** Longer than several living holders need in turn: servers that end together write their marks together. */
const BRIEF_RETRIES = { ...RETRIES, retries: 12, maxTimeout: 50 };

/** Kept a moment after the work, for the next: taking it costs more than the work. */
const LINGER_MS = 10;
/** But given up after so long in a row, for long enough that others who ask get their turn. */
const HOLD_MS = 50;
const PAUSE_MS = 3;

/**
 * The lock of one mailbox between processes: the lock directory `path`. It gives order and peace; no step may rely on
 * it for safety, because a holder that was stopped can lose it without noticing. For one caller at a time.
 */
export class MailboxLock {
  readonly #path: string;
  readonly #logger: Logger;
  #release: (() => Promise<void>) | undefined;
  #releasing: Promise<void> = Promise.resolve();
  #heldMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(path: string, logger: Logger) {
    this.#path = path;
    this.#logger = logger;
  }

  /** Runs `work` under the lock. MAILBOX_BUSY when it cannot be had within about 6 s, or 1 s when told to wait `briefly`. */
  async run<T>(work: () => T | Promise<T>, wait: 'wait' | 'briefly' = 'wait'): Promise<T> {
    clearTimeout(this.#timer);
    await this.#releasing;
    if (!this.#release) {
      this.#release = await this.#acquire(wait === 'wait' ? RETRIES : BRIEF_RETRIES);
      this.#heldMs = performance.now();
    }
    try {
      return await work();
    } finally {
      if (performance.now() - this.#heldMs > HOLD_MS) void this.letGo(PAUSE_MS);
      else this.#timer = setTimeout(() => void this.letGo(), LINGER_MS);
    }
  }

  /** Resolves when it is free for others. */
  letGo(pauseMs = 0): Promise<void> {
    clearTimeout(this.#timer);
    const release = this.#release;
    this.#release = undefined;
    if (release) this.#releasing = this.#free(release, pauseMs);
    return this.#releasing;
  }

  async #free(release: () => Promise<void>, pauseMs: number): Promise<void> {
    await release().catch((error: unknown) =>
      this.#logger.debug({ err: error, lock: this.#path }, 'the lock was lost meanwhile'),
    );
    if (pauseMs > 0) await setTimeoutAsync(pauseMs);
  }

  async #acquire(retries: typeof RETRIES): Promise<() => Promise<void>> {
    // We would wait for a lock of a clock that was ahead until our clock gets there.
    removeIf(this.#path, (mtimeMs) => mtimeMs > Date.now() + AHEAD_MS);
    try {
      return await lock(this.#path, {
        lockfilePath: this.#path,
        realpath: false,
        stale: LOCK_STALE_MS,
        retries,
        onCompromised: (error) => {
          this.#release = undefined;
          this.#logger.debug({ err: error, lock: this.#path }, 'the lock was lost while it was held');
        },
      });
    } catch (error) {
      const why = `This mailbox is locked by another program (${this.#path}). Try again.`;
      throw new MailboxError('MAILBOX_BUSY', why, { cause: error });
    }
  }
}

/** Removes the locks in a directory whose holders died long ago, and that nobody has asked for since. */
export function removeDeadLocks(dir: string): void {
  for (const name of namesIn(dir)) removeIf(join(dir, name), (mtimeMs) => mtimeMs < Date.now() - DEAD_MS);
}

function removeIf(path: string, isOver: (mtimeMs: number) => boolean): void {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (!stat || !isOver(stat.mtimeMs)) return;
  try {
    rmdirSync(path);
  } catch {
    // Somebody was quicker, or it is not empty: taking the lock will tell.
  }
}
