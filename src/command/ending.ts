import { inspect } from 'node:util';
import { isErrno, MailboxError } from '../words/mailbox-error.ts';
import { paintFor } from './terminal.ts';

export const CLEAN = 0;
export const RUNTIME = 1;
export const USAGE = 2;
export const CONFIGURATION = 78;

/** Thrown to end the command. The message says what happened; `advice` says why and what to do, a line each. */
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

/** From now on, an uncaught error ends this process with a message. */
export function endOnErrors(): void {
  process.on('uncaughtException', end); // unhandled rejections come here too
  process.on('SIGXFSZ', () => {}); // a write over the file size limit then fails with EFBIG instead of killing us
  process.stdout.on('error', end);
}

/** Lets a server go on when its terminal, or the reader of its output, has gone. */
export function outliveTerminal(): void {
  process.stdout.off('error', end).on('error', () => {});
  process.stderr.on('error', () => {});
}

/** Prints the error to stderr and exits with its code. */
export function end(error: unknown): never {
  if (isErrno(error, 'EPIPE')) process.exit(CLEAN); // the reader of our output has gone: `tail | head`
  const { message, advice, exitCode } = endingOf(error);
  const lines = [`${paintFor(process.stderr)('red', '✗')} ${message}`, ...advice.map((line) => `  ${line}`)];
  process.stderr.write(`${lines.join('\n')}\n${process.env['LOG_LEVEL'] === 'debug' ? `${inspect(error)}\n` : ''}`);
  process.exit(exitCode);
}

/** The Ending for any error. An unforeseen one is a runtime error. */
function endingOf(error: unknown): Ending {
  if (error instanceof Ending) return error;
  const { message, cause } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof MailboxError) return new Ending(error.code.startsWith('INVALID') ? USAGE : RUNTIME, message);
  if (isErrno(cause, 'MODULE_NOT_FOUND')) return new Ending(CONFIGURATION, message); // an optional package
  return new Ending(RUNTIME, message, ['For the details, run it again with LOG_LEVEL=debug.']);
}
