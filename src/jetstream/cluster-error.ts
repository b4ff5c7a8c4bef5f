import { setTimeout } from 'node:timers/promises';
import { MailboxError } from '../words/mailbox-error.ts';

/** Error codes of JetStream. When there is no room, asking again does not help. */
const NO_ROOM = new Set([10023, 10047]);
/** A full disk, or a leader that is about to hand over. */
const CANNOT_WRITE = 10077;
/**
 * The next attempt may succeed. 10158, 10167: the same message is being stored at the moment, or the server is overloaded.
 * The last three: another server made the stream or moved a mark after we read it; the next attempt reads it again.
 */
const PASSING = new Set([CANNOT_WRITE, 10158, 10167, 10058, 10071, 10164]);

const API_ERRORS = new Set(['JetStreamApiError', 'StreamNotFoundError']);
const FINAL_NAMES = new Set([
  'ClosedConnectionError',
  'PermissionViolationError',
  'AuthorizationError',
  'MailboxError',
]);

/** A replica is rarely further behind the leader than this. */
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 500;
const WITHIN_MS = 10_000;

/**
 * Repeats `attempt` while servers are away or have no leader, for at most `withinMs()` (default 10 s); then throws
 * MAILBOX_BUSY or DISK_FULL. It calls `withinMs` before each attempt, because a store that closes waits less. It does not
 * repeat after errors that would come again.
 */
export async function persist<T>(attempt: () => Promise<T>, withinMs = () => WITHIN_MS): Promise<T> {
  const begunMs = performance.now();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (isFinal(error) || performance.now() - begunMs + pauseMs > withinMs()) throw inOurWords(error);
    }
    await setTimeout(pauseMs * (0.5 + Math.random()));
  }
}

function isApiError(error: unknown): error is Error & { readonly code: number; readonly status: number } {
  return error instanceof Error && API_ERRORS.has(error.name);
}

function isFinal(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  if (isApiError(error)) return NO_ROOM.has(error.code) || (error.status < 500 && !PASSING.has(error.code));
  return FINAL_NAMES.has(error.name) || (error.cause instanceof Error && FINAL_NAMES.has(error.cause.name));
}

function inOurWords(cause: unknown): MailboxError {
  if (cause instanceof MailboxError) return cause;
  if (isApiError(cause) && (NO_ROOM.has(cause.code) || cause.code === CANNOT_WRITE)) {
    const what = 'The cluster has no room for more mail. Make room, or add servers.';
    return new MailboxError('DISK_FULL', what, { cause });
  }
  if (isFinal(cause)) {
    const what = `The cluster refused: ${cause instanceof Error ? cause.message : String(cause)}`;
    return new MailboxError('STORE_FAILED', what, { cause });
  }
  const what =
    'The cluster does not answer: servers are away, or they are electing a leader. Send it again with the same key.';
  return new MailboxError('MAILBOX_BUSY', what, { cause });
}
