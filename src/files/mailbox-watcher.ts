import { watch as watchDirectory, type FSWatcher as DirectoryWatcher } from 'node:fs';
import { dirname, join } from 'node:path';
import { watch, type FSWatcher } from 'chokidar';
import type { Logger } from '../words/logger.ts';
import { statIfThere } from './disk.ts';

/** A watch begins a moment after it was asked for. This later hint covers what was written in between. */
const FIRST_HINT_MS = 10;

/** chokidar mutes a file for 50 ms after each change, so an append in that gap needs a second hint. */
const SECOND_HINT_MS = 75;

/** If our appends follow one another this quickly, no watch is needed: each of them reads on in the file. */
const BUSY_MS = 20;
/** How long after the last append the watch begins again. */
const QUIET_MS = 50;

/** A watch takes more memory than an idle stream. Beyond this number, and for missing files, one watch of the directory serves all. */
const MAX_WATCHED = 1000;

interface MailboxWatcherOptions {
  /** How many files may have a watch of their own, if they exist. Default 1,000. */
  readonly most?: number;
  /** A file beside the mailboxes that is never removed. While it is watched, chokidar does not list the directory whenever another file goes. */
  readonly anchor?: string;
}

/**
 * Hints that a mailbox file may have changed. A hint can be lost, so the sweep visits mailboxes, too. Only files that
 * somebody listens to are watched, not the directory: chokidar would list all of it at every change.
 */
export class MailboxWatcher {
  readonly #watcher: FSWatcher;
  readonly #most: number;
  readonly #logger: Logger;
  /** The watch of the directory, for files without a watch of their own. */
  #crowd: DirectoryWatcher | undefined;
  readonly #watched = new Set<string>();
  readonly #hints = new Map<string, () => void>();
  /** When we last appended to each watched file, in ms of a clock that only rises. */
  readonly #appendedMs = new Map<string, number>();
  /** Files whose watch is suspended while we append to them. */
  readonly #pauses = new Map<string, NodeJS.Timeout>();
  readonly #firstHints = new Map<string, NodeJS.Timeout>();
  readonly #secondHints = new Map<string, NodeJS.Timeout>();
  /** How many errors there were. */
  errors = 0;

  constructor(logger: Logger, { most = MAX_WATCHED, anchor }: MailboxWatcherOptions = {}) {
    this.#logger = logger;
    this.#most = most;
    this.#watcher = watch(anchor ?? [], {
      // During a take the file is missing for a moment. Without this, chokidar would then watch and list the directory.
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
    this.#watch(path);
  }

  #watch(path: string): void {
    if (this.#watched.size < this.#most && statIfThere(path)) {
      this.#watched.add(path);
      this.#add(path);
    } else this.#watchCrowd(dirname(path));
  }

  /** Watches the file that is at this path now: a watch stays with the old file when that is renamed. */
  rewatch(path: string): void {
    if (this.#hints.has(path) && !this.#watched.has(path)) return this.#watch(path);
    if (!this.#watched.has(path) || this.#pauses.has(path)) return;
    this.#watcher.unwatch(path);
    this.#add(path);
  }

  /** We have appended. During many quick appends the watch is suspended, since chokidar spends much time on each change. */
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
    for (const timers of [this.#firstHints, this.#secondHints, this.#pauses]) {
      clearTimeout(timers.get(path));
      timers.delete(path);
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
    this.#later(this.#firstHints, path, FIRST_HINT_MS, () => this.#hint(path));
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

  /** The system has probably run out of watches. The sweep goes on without. */
  #failed(error: unknown): void {
    if (this.errors === 0)
      this.#logger.warn({ err: error }, 'files cannot be watched: foreign mail may take a second longer');
    this.errors += 1;
  }

  #hint(path: string): void {
    const hint = this.#hints.get(path);
    if (!hint) return;
    hint();
    this.#later(this.#secondHints, path, SECOND_HINT_MS, () => this.#hints.get(path)?.());
  }

  #later(timers: Map<string, NodeJS.Timeout>, path: string, ms: number, work: () => void): void {
    clearTimeout(timers.get(path));
    const begin = (): void => {
      timers.delete(path);
      work();
    };
    timers.set(path, setTimeout(begin, ms));
  }
}

function watchedPath(details: unknown): string {
  return String((Object(details) as { watchedPath?: unknown }).watchedPath);
}
