import { MailboxError } from '../mailbox-error.ts';

/** Error codes of JetStream. No room does not get better by asking again: it is told at once. */
const NO_ROOM = new Set([10023, 10047]);
/** A full disk, or a server that is about to hand over. */
const CANNOT_WRITE = 10077;
/** The same message is just being stored; the server has too much to do. */
const PASSING = new Set([10158, 10167, CANNOT_WRITE]);

const API_ERRORS = new Set(['JetStreamApiError', 'StreamNotFoundError']);
const FINAL_NAMES = new Set([
  'ClosedConnectionError',
  'DrainingConnectionError',
  'InvalidSubjectError',
  'PermissionViolationError',
  'AuthorizationError',
  'MailboxError',
]);

const FIRST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 500;

/** A JetStream error code, or undefined when the answer was something else, or none. */
export function apiCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !API_ERRORS.has(error.name)) return undefined;
  return (error as Error & { readonly code: number }).code;
}

/**
 * Does `attempt` again and again while servers are away or have no leader, for `withinMs()`: asked anew each time, because
 * a store that closes waits less. Throws MAILBOX_BUSY or DISK_FULL then, and at once what asking again cannot help.
 */
export async function persist<T>(attempt: () => Promise<T>, withinMs: () => number): Promise<T> {
  const begunMs = performance.now();
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
    try {
      return await attempt();
    } catch (error) {
      if (isFinal(error)) throw inOurWords(error);
      if (performance.now() - begunMs + pauseMs > withinMs())
        throw apiCode(error) === CANNOT_WRITE ? full(error) : busy(error);
    }
    await pause(pauseMs * (0.5 + Math.random()));
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export function busy(cause: unknown): MailboxError {
  const what = 'The cluster does not answer: servers are away or choose a leader. Send it again with the same key.';
  return new MailboxError('MAILBOX_BUSY', what, { cause });
}

function isFinal(error: unknown): boolean {
  if (!(error instanceof Error)) return true;
  const code = apiCode(error);
  if (code !== undefined && PASSING.has(code)) return false;
  if (code !== undefined) return NO_ROOM.has(code) || (error as Error & { readonly status: number }).status < 500;
  return FINAL_NAMES.has(error.name) || (error.cause instanceof Error && FINAL_NAMES.has(error.cause.name));
}

function inOurWords(error: unknown): unknown {
  if (error instanceof MailboxError) return error;
  const code = apiCode(error);
  if (code !== undefined && NO_ROOM.has(code)) return full(error);
  return new MailboxError(
    'STORE_FAILED',
    `The cluster refused: ${error instanceof Error ? error.message : String(error)}`,
    {
      cause: error,
    },
  );
}

function full(cause: unknown): MailboxError {
  return new MailboxError('DISK_FULL', 'The cluster has no room for more mail. Make room, or add servers.', { cause });
}
