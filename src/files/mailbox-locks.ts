import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { lock } from 'proper-lockfile';
import type { Logger } from '../words/logger.ts';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import { DIRECTORY_MODE, makeDirectory, statIfThere, writeError, writing } from './disk.ts';

/** A lock that its holder has not touched for this long is taken over. */
export const LOCK_STALE_MS = 2000;
/** A lock dated further ahead than this was made by a wrong clock. */
const AHEAD_MS = 1000;
/** How long we wait for a lock: longer than the lock of a dead process lasts. */
const WAIT_MS = 6000;
const MIN_PAUSE_MS = 5;
const MAX_PAUSE_MS = 100;

/** Taking a lock costs more than most work under it, so we keep it until the mailbox has been idle for this long. */
const IDLE_MS = 300;
const MAX_HELD = 200;

/** proper-lockfile would make its directories with the mode that the umask leaves. */
const PRIVATELY = {
  ...fs,
  mkdir: (path: string, done: fs.NoParamCallback): void => fs.mkdir(path, DIRECTORY_MODE, done),
};

interface Held {
  readonly onLetGo: () => void;
  readonly release: () => Promise<void>;
  readonly idle: NodeJS.Timeout;
}

/**
 * The locks of mailboxes: `.locks/henry.lock`. Programs that use the same locks can edit a mailbox in peace while they hold
 * one. No step of ours relies on a lock, since a process that was stopped can lose it without noticing.
 */
export class MailboxLocks {
  readonly #logger: Logger;
  /** Oldest first. */
  readonly #held = new Map<string, Held>();
  readonly #releasing = new Map<string, Promise<void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * Resolves once we hold the lock. MAILBOX_BUSY if another program keeps it for 6 s; DISK_FULL, WRITE_FAILED or
   * STORE_FAILED if it cannot be made. `onLetGo` is called when we no longer hold it.
   */
  async hold(path: string, onLetGo = (): void => undefined): Promise<void> {
    const held = this.#held.get(path);
    if (held) {
      held.idle.refresh();
      return;
    }
    await this.#releasing.get(path);
    const release = await this.#acquire(path);
    const idle = setTimeout(() => void this.letGo(path), IDLE_MS).unref();
    this.#held.set(path, { release, idle, onLetGo });
    if (this.#held.size > MAX_HELD) void this.letGo(this.#held.keys().next().value!);
  }

  isHeld(path: string): boolean {
    return this.#held.has(path);
  }

  /** Resolves once the lock is free for others. */
  async letGo(path: string): Promise<void> {
    const held = this.#drop(path);
    if (held) {
      const freeing = held
        .release()
        .catch((error: unknown) => this.#logger.debug({ err: error, lock: path }, 'the lock was lost meanwhile'))
        .finally(() => this.#releasing.delete(path));
      this.#releasing.set(path, freeing);
    }
    await this.#releasing.get(path);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#held.keys(), ...this.#releasing.keys()].map((path) => this.letGo(path)));
  }

  async #acquire(path: string): Promise<() => Promise<void>> {
    removeIfAhead(path);
    const endMs = performance.now() + WAIT_MS;
    for (let pauseMs = MIN_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, MAX_PAUSE_MS)) {
      try {
        return await this.#lock(path);
      } catch (error) {
        if (isErrno(error, 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES', 'EPERM')) throw notMade(path, error);
        if (performance.now() >= endMs) throw busy(path, error);
        if (isErrno(error, 'ENOENT') && !statIfThere(dirname(path))) writing(() => makeDirectory(dirname(path)));
        else await pause(pauseMs);
      }
    }
  }

  /** Without the library's retries, which would also wait for a full disk. */
  #lock(path: string): Promise<() => Promise<void>> {
    const onCompromised = (error: Error): void => this.#lost(path, error);
    return lock(path, { lockfilePath: path, realpath: false, stale: LOCK_STALE_MS, onCompromised, fs: PRIVATELY });
  }

  #lost(path: string, error: Error): void {
    this.#drop(path);
    this.#logger.debug({ err: error, lock: path }, 'the lock was lost while it was held');
  }

  #drop(path: string): Held | undefined {
    const held = this.#held.get(path);
    clearTimeout(held?.idle);
    this.#held.delete(path);
    held?.onLetGo();
    return held;
  }
}

function busy(path: string, cause: unknown): MailboxError {
  return new MailboxError('MAILBOX_BUSY', `Another program has locked this mailbox (${path}). Try again.`, { cause });
}

function notMade(path: string, error: NodeJS.ErrnoException): unknown {
  if (!isErrno(error, 'EACCES', 'EPERM')) return writeError(error);
  const why = `Cannot make the lock ${path} (${error.code}). The directory must belong to the user who runs the server.`;
  return new MailboxError('STORE_FAILED', why, { cause: error });
}

/** Removes a lock that is dated ahead. It would only grow stale once our clock has got there. */
function removeIfAhead(path: string): void {
  if ((statIfThere(path)?.mtimeMs ?? 0) <= Date.now() + AHEAD_MS) return;
  try {
    fs.rmdirSync(path);
  } catch {
    // Another process was faster, or the directory is not empty: taking the lock reports it.
  }
}
