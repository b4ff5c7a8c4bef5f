import { isNativeError } from 'node:util/types';

type Log = (fields: object, message: string) => void;

/** The methods that this product needs of a logger. Pino and most others have them. */
export interface Logger {
  readonly debug: Log;
  readonly info: Log;
  readonly warn: Log;
  readonly error: Log;
}

/** Logs nothing. */
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The default: logs warnings and errors to `console.error`, with their stacks. */
export const toConsole: Logger = { ...silent, warn: tell, error: tell };

function nothing(): void {}

function tell({ err, ...facts }: { readonly err?: unknown }, message: string): void {
  const told = Object.keys(facts).length > 0 ? ` ${JSON.stringify(facts)}` : '';
  console.error(`mailbox-chat: ${message}${told}${err === undefined ? '' : `\n${traceOf(err)}`}`);
}

/** The stack of an error and of its causes. The message of a SyntaxError is left out, since it may quote mail. */
function traceOf(error: unknown): string {
  if (!isNativeError(error)) return `(${typeof error} was thrown, not an Error)`;
  const { name, stack = `${name}: ${error.message}`, cause } = error;
  const trace =
    name === 'SyntaxError' ? [name, ...stack.split('\n').filter((line) => /^ +at /.test(line))].join('\n') : stack;
  return cause === undefined ? trace : `${trace}\ncaused by ${traceOf(cause)}`;
}
