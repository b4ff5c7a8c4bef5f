import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeDirectory, makeDirectory } from '../../support/make-directory.ts';

/**
 * The clock of another process, moved while it runs, by the library of Debian's `faketime`. The times that the system
 * gives to files stay as they are.
 */
export class MovableClock {
  readonly #dir = makeDirectory();
  /** What the process is to be run by, so that its clock alone moves: timers, and the clock that only rises, go on. */
  readonly via: readonly string[];
  /** The same, but timers move with the clock: so the time really passes. */
  readonly viaWithTimers: readonly string[];

  constructor() {
    this.set('+0s');
    this.viaWithTimers = [
      'env',
      'LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1', // $LIB: the loader puts in what this computer's libraries lie in
      `FAKETIME_TIMESTAMP_FILE=${this.#file}`,
      'FAKETIME_NO_CACHE=1',
      'NO_FAKE_STAT=1',
    ];
    this.via = [...this.viaWithTimers, 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
  }

  /** How far from the true time, in faketime's words: `+15s`, `-1h`; or a time at which it stands still: `2031-05-06 07:08:09`. */
  set(offset: string): void {
    writeFileSync(`${this.#file}.new`, offset);
    renameSync(`${this.#file}.new`, this.#file); // it is read at any time, and never half
  }

  async remove(): Promise<void> {
    await removeDirectory(this.#dir);
  }

  get #file(): string {
    return join(this.#dir, 'offset');
  }
}
