import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { removeDirectory, makeDirectory } from '../../support/make-directory.ts';

/**
 * The clock of another process, moved while the process runs, with Debian's `faketime`. The times that the system
 * gives to files stay as they are.
 */
export class MovableClock {
  readonly #dir = makeDirectory();
  /** The command that runs the process, so that only its wall clock moves. Timers and the monotonic clock go on. */
  readonly via: readonly string[];
  /** The same, but timers move with the clock, as if the time really passed. */
  readonly viaWithTimers: readonly string[];

  constructor() {
    this.set('+0s');
    this.viaWithTimers = [
      'env',
      'LD_PRELOAD=/usr/$LIB/faketime/libfaketime.so.1', // the loader replaces $LIB by this computer's directory of libraries
      `FAKETIME_TIMESTAMP_FILE=${this.#file}`,
      'FAKETIME_NO_CACHE=1',
      'NO_FAKE_STAT=1',
    ];
    this.via = [...this.viaWithTimers, 'FAKETIME_DONT_FAKE_MONOTONIC=1'];
  }

  /** In faketime's form: an offset (`+15s`, `-1h`), or a time at which the clock stands still (`2031-05-06 07:08:09`). */
  set(offset: string): void {
    writeFileSync(`${this.#file}.new`, offset);
    renameSync(`${this.#file}.new`, this.#file); // a rename, because the file is read at any time
  }

  async remove(): Promise<void> {
    await removeDirectory(this.#dir);
  }

  get #file(): string {
    return join(this.#dir, 'offset');
  }
}
