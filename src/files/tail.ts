import type { MailboxFile } from './mailbox-file.ts';

/** Lines without their blank line count once the file has not grown for this long. */
export const TAIL_MS = 5000;

/** Notices when an unfinished event at the end of a mailbox is not continued. */
export class Tail {
  #size = 0;
  #grownMs = 0;

  /** Whether the unfinished event has waited long enough. */
  isOver({ size, tail }: MailboxFile, uptimeMs: number): boolean {
    if (size !== this.#size) {
      this.#size = size;
      this.#grownMs = uptimeMs;
    }
    return tail !== 'none' && uptimeMs - this.#grownMs >= TAIL_MS;
  }
}
