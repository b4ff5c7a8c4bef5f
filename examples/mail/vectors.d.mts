import type { MailEvent } from './read.mjs';

export interface Vector {
  readonly name: string;
  readonly mailbox: string;
  readonly start: string;
  readonly bytes: Buffer;
  readonly events: readonly MailEvent[];
}

export function vectors(): Vector[];
