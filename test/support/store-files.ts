import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import type { FileMailboxesOptions } from '../../src/files/store-context.ts';
import { makeDirectory, removeDirectory } from './make-directory.ts';
import { until } from './until.ts';

/** A clock that stands still until it is moved. */
export class Clock {
  #ms: number;

  constructor(ms = Date.UTC(2026, 10, 20)) {
    this.#ms = ms;
  }

  readonly now = (): number => this.#ms;

  move(ms: number): void {
    this.#ms += ms;
  }
}

/** A new data directory, with the stores that a test opens on it. */
export class MailboxDirectory {
  readonly path = makeDirectory();
  readonly #stores: FileMailboxes[] = [];

  open(options: FileMailboxesOptions = {}): FileMailboxes {
    return this.openAt(this.path, options);
  }

  openAt(path: string, options: FileMailboxesOptions = {}): FileMailboxes {
    const store = new FileMailboxes(path, options);
    this.#stores.push(store);
    return store;
  }

  file(name = 'henry'): string {
    return join(this.path, `${name}.txt`);
  }

  in(...names: string[]): string {
    return join(this.path, ...names);
  }

  read(name = 'henry'): Promise<string> {
    return readFile(this.file(name), 'utf8');
  }

  /** Resolves when a mailbox has been read and taken. */
  async emptied(name = 'henry'): Promise<void> {
    await until(`${name} to be empty`, () => statSync(this.file(name), { throwIfNoEntry: false })?.size === 0);
  }

  async remove(): Promise<void> {
    await Promise.all(this.#stores.map((store) => store.close()));
    await removeDirectory(this.path);
  }
}
