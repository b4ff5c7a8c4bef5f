import type { MailboxFile } from './mailbox-file.ts';

/** What was written without its blank line is ended after so long without growth. */
export const TAIL_MS = 5000;

/** Sees for how long the end of a mailbox has been unfinished. */
export class Tail {
  #size = 0;
  #grownMs = 0;

  /** Whether nobody goes on with it. */
  isOver({ size, tail }: MailboxFile, uptimeMs: number): boolean {
    if (size !== this.#size) {
      this.#size = size;
      this.#grownMs = uptimeMs;
    }
    return tail !== 'none' && uptimeMs - this.#grownMs >= TAIL_MS;
  }
}
