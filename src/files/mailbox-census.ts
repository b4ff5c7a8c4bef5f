import type { Dir } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { statIfThere } from './disk.ts';
import { isMailboxFile } from './mailbox-paths.ts';

export interface Census {
  readonly mailboxes: number;
  readonly bytes: number;
}

/** Names looked at in one go, about 50 ms of work … */
const MAX_NAMES = 20_000;
/** … in pieces, so that nobody waits for it. */
const NAMES_AT_ONCE = 128;

const NOTHING: Census = { mailboxes: 0, bytes: 0 };
const UNKNOWN: Census = { mailboxes: NaN, bytes: NaN };

/**
 * Counts the mailbox files of a directory and what is in them. A directory of more than 20,000 names takes several
 * calls: each tells what the last complete count found, or, before there is one, what has been found so far.
 */
export class MailboxCensus {
  readonly #dir: string;
  readonly #maxNames: number;
  #open: Dir | undefined;
  #found = NOTHING;
  #last: Census | undefined;
  #taking: Promise<Census> | undefined;
  #closed = false;

  constructor(dir: string, maxNames = MAX_NAMES) {
    this.#dir = dir;
    this.#maxNames = maxNames;
  }

  /** Who asks while one is under way gets the same. */
  take(): Promise<Census> {
    this.#taking ??= this.#goOn().finally(() => (this.#taking = undefined));
    return this.#taking;
  }

  /** Afterwards it tells what it knows. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#taking;
    await this.#open?.close();
    this.#open = undefined;
  }

  async #goOn(): Promise<Census> {
    try {
      for (let looked = 0; looked < this.#maxNames && !this.#closed; looked += 1) {
        this.#open ??= await opendir(this.#dir, { bufferSize: NAMES_AT_ONCE });
        const entry = await this.#open.read();
        if (entry === null) return await this.#complete();
        if (entry.isFile() && isMailboxFile(entry.name)) this.#count(entry.name);
      }
      return this.#last ?? this.#found;
    } catch {
      return UNKNOWN; // the directory cannot be read: others tell that louder
    }
  }

  async #complete(): Promise<Census> {
    await this.#open?.close();
    this.#open = undefined;
    this.#last = this.#found;
    this.#found = NOTHING;
    return this.#last;
  }

  #count(name: string): void {
    const { mailboxes, bytes } = this.#found;
    this.#found = { mailboxes: mailboxes + 1, bytes: bytes + (statIfThere(join(this.#dir, name))?.size ?? 0) };
  }
}
