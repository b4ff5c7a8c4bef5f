import { constants } from 'node:os';
import { types } from 'node:util';

/** What can go wrong, as a closed list. `src/http/problem.ts` gives each its HTTP status. */
export type MailboxErrorCode =
  | 'INVALID_NAME'
  | 'INVALID_MESSAGE'
  | 'INVALID_REQUEST'
  | 'INVALID_CURSOR'
  | 'MESSAGE_TOO_LONG'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'METHOD_NOT_ALLOWED'
  | 'NOT_FOUND'
  | 'UNAUTHORIZED'
  | 'FORBIDDEN'
  | 'RATE_LIMITED'
  | 'REQUEST_TIMEOUT'
  | 'KEY_REUSED'
  | 'MAILBOX_FULL'
  | 'DISK_FULL'
  | 'WRITE_FAILED'
  | 'MAILBOX_BUSY'
  | 'MAILBOX_UNUSABLE'
  | 'TOO_MANY_STREAMS'
  | 'STORE_FAILED'
  | 'UNKNOWN_LAYOUT'
  | 'INVALID_TARGET'
  | 'CLOSED';

/** An error a caller can act on: `code` for programs, `message` (what happened, why, what to do) for people. */
export class MailboxError extends Error {
  override readonly name = 'MailboxError';
  readonly code: MailboxErrorCode;

  constructor(code: MailboxErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether `error` is a failed system call with one of these codes (`'ENOENT'`, …), whichever realm it comes from. */
export function isErrno(error: unknown, ...codes: string[]): error is NodeJS.ErrnoException {
  return types.isNativeError(error) && 'code' in error && codes.includes(codeOf(error));
}

/** Node has no name for the error of a quota that is used up. */
function codeOf(error: Error): string {
  const { errno, code }: NodeJS.ErrnoException = error;
  return errno === -constants.errno.EDQUOT ? 'EDQUOT' : String(code);
}
