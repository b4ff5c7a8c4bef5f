import { watch, type FSWatcher } from 'chokidar';
import type { Logger } from '../logger.ts';

/** chokidar mutes a file for 50 ms after each change: an append in that gap needs a second look. */
const SECOND_LOOK_MS = 75;

/** A watch costs more memory than an idle stream: beyond these, mail is found by who looks now and then. */
const MAX_WATCHED = 1000;

/**
 * Hints that a mailbox file has changed, a moment after it did. A hint may be missing, so whoever needs the mail looks
 * by himself now and then, too. Only mailboxes that somebody listens to are watched: watching the directory would list
 * it at every change.
 */
export class MailboxWatcher {
  readonly #watcher: FSWatcher;
  readonly #hints = new Map<string, () => void>();
  readonly #secondLooks = new Map<string, NodeJS.Timeout>();
  #errors = 0;

  constructor(logger: Logger, options: { usePolling?: boolean } = {}) {
    this.#watcher = watch([], {
      ignoreInitial: true,
      atomic: false,
      followSymlinks: false,
      persistent: true,
      ...options,
    });
    this.#watcher.on('all', (_event, path) => this.#hint(path));
    this.#watcher.on('raw', (_event, _path, details: unknown) => this.#hint(watchedPath(details)));
    this.#watcher.on('error', (error) => {
      // Out of watches, most likely. The looks that need no watcher go on.
      if (this.#errors === 0)
        logger.warn({ err: error }, 'files cannot be watched: foreign mail may take a second longer');
      this.#errors += 1;
    });
  }

  /** How many there have been. */
  get errors(): number {
    return this.#errors;
  }

  get isAlive(): boolean {
    return !this.#watcher.closed;
  }

  /** Calls `hint` when the file may have changed, until `unwatch`. */
  watch(path: string, hint: () => void): void {
    if (this.#hints.size >= MAX_WATCHED) return;
    this.#hints.set(path, hint);
    this.#watcher.add(path);
  }

  /** The watch is of the file, not of the name: after a take the name is another file's. */
  rewatch(path: string): void {
    if (!this.#hints.has(path)) return;
    this.#watcher.unwatch(path);
    this.#watcher.add(path);
  }

  unwatch(path: string): void {
    if (!this.#hints.delete(path)) return;
    clearTimeout(this.#secondLooks.get(path));
    this.#secondLooks.delete(path);
    this.#watcher.unwatch(path);
  }

  async close(): Promise<void> {
    for (const timer of this.#secondLooks.values()) clearTimeout(timer);
    this.#secondLooks.clear();
    this.#hints.clear();
    await this.#watcher.close();
  }

  #hint(path: string | undefined): void {
    const hint = path === undefined ? undefined : this.#hints.get(path);
    if (path === undefined || !hint) return;
    hint();
    clearTimeout(this.#secondLooks.get(path));
    this.#secondLooks.set(
      path,
      setTimeout(() => {
        this.#secondLooks.delete(path);
        this.#hints.get(path)?.();
      }, SECOND_LOOK_MS),
    );
  }
}

function watchedPath(details: unknown): string | undefined {
  const { watchedPath: path } = Object(details) as { watchedPath?: unknown };
  return typeof path === 'string' ? path : undefined;
}
