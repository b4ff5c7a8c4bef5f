import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeDirectory, temporaryDirectory } from './world.ts';

/**
 * The clock of another process, moved while it runs, by the library of Debian's `faketime`. Timers, and the clock that
 * only rises, stay as they are; so do the times that the system gives to files.
 */
export class MovableClock {
  readonly #dir = temporaryDirectory();
  /** What the process is to be run by. */
  readonly via: readonly string[];

  constructor() {
    this.set('+0s');
    this.via = [
      'env',
      'LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1', // $LIB: the loader puts in what this computer's libraries lie in
      `FAKETIME_TIMESTAMP_FILE=${this.#file}`,
      'FAKETIME_NO_CACHE=1',
      'FAKETIME_DONT_FAKE_MONOTONIC=1',
      'NO_FAKE_STAT=1',
    ];
  }

  /** How far from the true time, in faketime's words: `+15s`, `-1h`. */
  set(offset: string): void {
    writeFileSync(`${this.#file}.new`, offset);
    renameSync(`${this.#file}.new`, this.#file); // it is read at any time, and never half
  }

  remove(): void {
    removeDirectory(this.#dir);
  }

  get #file(): string {
    return join(this.#dir, 'offset');
  }
}
