import { MailboxError } from './mailbox-error.ts';
import type { MailboxName } from './mailbox-name.ts';

/** The largest file that may be stored. */
export const MAX_FILE_BYTES = 20 * 1024 * 1024;

/** A file that was stored. `sha256` is the hash of its content, in hex; `path` is where it can be read now. */
export interface KeptFile {
  readonly sha256: string;
  readonly bytes: number;
  readonly path: string;
}

/** Keeps the files that messages name. A file stays while a message names it, and for 24 hours after it was stored. */
export interface FileStore {
  /**
   * Stores a file that `sender` will send to `mailbox`. Resolves once it is on disk. Rejects with FILE_TOO_LARGE, DISK_FULL,
   * MAILBOX_FULL or the error of `content`: then nothing stays.
   */
  put(mailbox: MailboxName, sender: MailboxName, content: AsyncIterable<Buffer>): Promise<KeptFile>;

  /** A file of this mailbox; with `sender`, only one that this person stored or sent. Undefined if there is none. */
  find(mailbox: MailboxName, sha256: string, sender?: MailboxName): Promise<KeptFile | undefined>;
}

/** Whether a text is a SHA-256 in hex. */
export function isSha256(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

export function tooLarge(): MailboxError {
  const why = `The file is larger than ${MAX_FILE_BYTES / 1024 ** 2} MiB.`;
  return new MailboxError('FILE_TOO_LARGE', `${why} Send a smaller one.`);
}

/** For a message that names a file which its sender has not stored for its receiver. */
export function notStored(sha256: string, sender: string, receiver: string): MailboxError {
  const why = `${sender} has not stored the file ${sha256} for ${receiver}, or more than 24 hours ago.`;
  return new MailboxError('INVALID_MESSAGE', `${why} Send it with POST /files first.`);
}
