import { join } from 'node:path';
import type { MailboxName } from '../mailbox-name.ts';

export const TAKEN = '.taken';

/** Where what belongs to one mailbox lies in the data directory. Made when asked for: most mailboxes rest. */
export class MailboxPaths {
  readonly name: MailboxName;
  readonly #dir: string;

  constructor(dir: string, name: MailboxName) {
    this.name = name;
    this.#dir = dir;
  }

  get file(): string {
    return `${this.#dir}/${this.name}.txt`;
  }

  get takes(): string {
    return `${this.#dir}/${TAKEN}/${this.name}`;
  }

  get log(): string {
    return `${this.#dir}/.delivered/${this.name}`;
  }

  get marks(): string {
    return `${this.#dir}/.marks/${this.name}.json`;
  }

  get torn(): string {
    return `${this.#dir}/.torn/${this.name}`;
  }

  get lock(): string {
    return `${this.#dir}/.locks/${this.name}.lock`;
  }
}

export function locksDirectory(dir: string): string {
  return join(dir, '.locks');
}
