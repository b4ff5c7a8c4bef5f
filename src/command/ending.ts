import { isErrno, MailboxError } from '../mailbox-error.ts';
import { type Paint } from './terminal.ts';

export const CLEAN = 0;
export const RUNTIME = 1;
export const USAGE = 2;
export const CONFIGURATION = 78;

/** Thrown to end the command: what happened, then why and what to do, a line each. */
export class Ending extends Error {
  override readonly name = 'Ending';
  readonly exitCode: number;
  readonly advice: readonly string[];

  constructor(exitCode: number, what: string, advice: readonly string[] = [], options?: ErrorOptions) {
    super(what, options);
    this.exitCode = exitCode;
    this.advice = advice;
  }
}

/** Whatever was thrown, as an ending. What nobody foresaw is a runtime error. */
export function endingOf(error: unknown): Ending {
  if (error instanceof Ending) return error;
  if (error instanceof MailboxError) {
    return new Ending(error.code.startsWith('INVALID') ? USAGE : RUNTIME, error.message, [], { cause: error });
  }
  if (error instanceof Error && isErrno(error.cause, 'MODULE_NOT_FOUND')) {
    return new Ending(CONFIGURATION, error.message, [], { cause: error }); // an optional package is not installed
  }
  const what = error instanceof Error ? error.message : String(error);
  return new Ending(RUNTIME, what, ['For the details, run it again with LOG_LEVEL=debug.'], { cause: error });
}

/** How an ending reads. */
export function inWords({ message, advice }: Ending, paint: Paint): string {
  return [`${paint('red', '✗')} ${message}`, ...advice.map((line) => `  ${line}`), ''].join('\n');
}

/** Where it happened, for LOG_LEVEL=debug: the stack of what was thrown first. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return error.cause instanceof Error ? stackOf(error.cause) : `${error.stack}\n`;
}
