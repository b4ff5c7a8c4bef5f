import { constants } from 'node:os';
import { types } from 'node:util';

/** Everything that can go wrong. `src/http/problem.ts` gives each code its HTTP status. */
export type MailboxErrorCode =
  | 'INVALID_NAME'
  | 'INVALID_MESSAGE'
  | 'INVALID_REQUEST'
  | 'INVALID_CURSOR'
  | 'MESSAGE_TOO_LONG'
  | 'FILE_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_FOUND'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'REQUEST_TIMEOUT'
  | 'KEY_REUSED'
  | 'MESSAGE_REMOVED'
  | 'MAILBOX_FULL'
  | 'DISK_FULL'
  | 'WRITE_FAILED'
  | 'MAILBOX_BUSY'
  | 'MAILBOX_UNUSABLE'
  | 'TOO_MANY_STREAMS'
  | 'STORE_FAILED'
  | 'UNKNOWN_LAYOUT'
  | 'INVALID_TARGET'
  | 'NOT_SUPPORTED'
  | 'CLOSED';

/** An error that a caller can act on. `code` is for programs; `message` tells people what happened, why, and what to do. */
export class MailboxError extends Error {
  override readonly name = 'MailboxError';
  readonly code: MailboxErrorCode;

  constructor(code: MailboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export function closed(): MailboxError {
  return new MailboxError('CLOSED', 'The mailboxes are closed: the server is shutting down.');
}

/** Whether `error` is a failed system call with one of these codes, such as `'ENOENT'`. Works across realms. */
export function isErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return types.isNativeError(error) && 'code' in error && codes.includes(codeOf(error));
}

/** Node has no name for the error of a used-up quota. */
function codeOf(error: Error): string {
  const { errno, code }: NodeJS.ErrnoException = error;
  return errno === -constants.errno.EDQUOT ? 'EDQUOT' : String(code);
}
