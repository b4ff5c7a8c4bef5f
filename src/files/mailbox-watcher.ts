import { watch as watchDirectory, type FSWatcher as DirectoryWatcher } from 'node:fs';
import { dirname, join } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import type { Logger } from '../words/logger.ts';
import { statIfThere } from './disk.ts';

/** A new watch stands a moment after it was asked for: what was written before is looked for. */
const FIRST_LOOK_MS = 10;

/** chokidar mutes a file for 50 ms after each change: an append in that gap needs a second look. */
const SECOND_LOOK_MS = 75;

/** Appends that follow one another so quickly need no watch: each of them looks at the file. */
const BUSY_MS = 20;
/** So long after the last one the watch begins again. */
const QUIET_MS = 50;

/** A watch costs more memory than an idle stream: beyond these, one bare watch of the directory serves all. */
const MAX_WATCHED = 1000;

export interface MailboxWatcherOptions {
  /** How many files have a watch of their own. Default 1,000. */
  readonly most?: number;
  /** A file beside the mailboxes that stays: while one is watched, chokidar need not list the directory when another goes. */
  readonly anchor?: string;
}

/**
 * Hints that a mailbox file has changed, a moment after it did. A hint may be missing, so whoever needs the mail looks
 * by himself now and then, too. Only mailboxes that somebody listens to are watched: chokidar lists a whole directory
 * at every change of it.
 */
export class MailboxWatcher {
  readonly #watcher: FSWatcher;
  readonly #most: number;
  readonly #logger: Logger;
  /** By file name, of all mailboxes in the directory. */
  #crowd: DirectoryWatcher | undefined;
  readonly #watched = new Set<string>();
  readonly #hints = new Map<string, () => void>();
  /** When we appended to those that are watched, by a clock that only rises. */
  readonly #appendedMs = new Map<string, number>();
  /** Those that are not watched while we append to them. */
  readonly #pauses = new Map<string, NodeJS.Timeout>();
  readonly #firstLooks = new Map<string, NodeJS.Timeout>();
  readonly #secondLooks = new Map<string, NodeJS.Timeout>();
  /** How many there have been. */
  errors = 0;

  constructor(logger: Logger, { most = MAX_WATCHED, anchor }: MailboxWatcherOptions = {}) {
    this.#logger = logger;
    this.#most = most;
    this.#watcher = watch(anchor ?? [], {
      // A take has a moment without a file: chokidar would then go over to the directory, and list it at every change.
      ignored: (_path, stats) => stats?.isDirectory() ?? false,
      ignoreInitial: true,
      atomic: false,
      followSymlinks: false,
    });
    this.#watcher.on('all', (_event, path) => this.#hint(path));
    this.#watcher.on('raw', (_event, _path, details: unknown) => this.#hint(watchedPath(details)));
    this.#watcher.on('unlink', (path) => this.rewatch(path));
    this.#watcher.on('error', (error) => this.#failed(error));
  }

  /** Calls `hint` when the file may have changed, until `unwatch`. */
  watch(path: string, hint: () => void): void {
    this.#hints.set(path, hint);
    if (this.#watched.size < this.#most) {
      this.#watched.add(path);
      this.#add(path);
    } else this.#watchCrowd(dirname(path));
  }

  /** The watch is of the file, not of the name: after a take the name is another file's. */
  rewatch(path: string): void {
    if (!this.#watched.has(path) || this.#pauses.has(path)) return;
    this.#watcher.unwatch(path);
    this.#add(path);
  }

  /** We have appended to it, and have looked at it before: chokidar asks much of every change. */
  appended(path: string): void {
    if (!this.#watched.has(path)) return;
    const pause = this.#pauses.get(path);
    if (pause) return void pause.refresh();
    const nowMs = performance.now();
    const isBusy = nowMs - (this.#appendedMs.get(path) ?? -Infinity) < BUSY_MS;
    this.#appendedMs.set(path, nowMs);
    if (!isBusy) return;
    this.#watcher.unwatch(path);
    this.#later(this.#pauses, path, QUIET_MS, () => this.#add(path));
  }

  unwatch(path: string): void {
    if (!this.#hints.delete(path)) return;
    for (const looks of [this.#firstLooks, this.#secondLooks, this.#pauses]) {
      clearTimeout(looks.get(path));
      looks.delete(path);
    }
    this.#appendedMs.delete(path);
    if (this.#watched.delete(path)) this.#watcher.unwatch(path);
  }

  async close(): Promise<void> {
    for (const path of this.#hints.keys()) this.unwatch(path);
    this.#crowd?.close();
    await this.#watcher.close();
  }

  #add(path: string): void {
    this.#watcher.add(path);
    this.#later(this.#firstLooks, path, FIRST_LOOK_MS, () => {
      if ((statIfThere(path)?.size ?? 0) > 0) this.#hint(path);
    });
  }

  #watchCrowd(dir: string): void {
    if (this.#crowd) return;
    try {
      this.#crowd = watchDirectory(dir, { persistent: false }, (_event, name) => {
        const path = join(dir, name ?? '');
        if (!this.#watched.has(path)) this.#hint(path);
      });
      this.#crowd.on('error', (error) => this.#failed(error));
    } catch (error) {
      this.#failed(error);
    }
  }

  /** Out of watches, most likely. The looks that need no watcher go on. */
  #failed(error: unknown): void {
    if (this.errors === 0)
      this.#logger.warn({ err: error }, 'files cannot be watched: foreign mail may take a second longer');
    this.errors += 1;
  }

  #hint(path: string): void {
    const hint = this.#hints.get(path);
    if (!hint) return;
    hint();
    this.#later(this.#secondLooks, path, SECOND_LOOK_MS, () => this.#hints.get(path)?.());
  }

  #later(looks: Map<string, NodeJS.Timeout>, path: string, ms: number, look: () => void): void {
    clearTimeout(looks.get(path));
    const begin = (): void => {
      looks.delete(path);
      look();
    };
    looks.set(path, setTimeout(begin, ms));
  }
}

function watchedPath(details: unknown): string {
  return String((Object(details) as { watchedPath?: unknown }).watchedPath);
}
