import { type DestinationStream, pino } from 'pino';
import type { Logger } from '../words/logger.ts';
import { isErrno } from '../words/mailbox-error.ts';
import { CONFIGURATION, Ending } from './ending.ts';
import { LOG_FORMATS, LOG_LEVELS } from './options.ts';
import { isTerminal } from './terminal.ts';

export interface LoggerOptions {
  readonly level: (typeof LOG_LEVELS)[number];
  /** `auto`: pretty in a terminal where pino-pretty is installed, else JSON. */
  readonly format: (typeof LOG_FORMATS)[number] | 'auto';
  /** File descriptor; default 2 (stderr), because stdout is for data. */
  readonly to?: number;
}

// What people write never reaches a log, even if a careless caller passes a whole message or event.
const PRIVATE = ['message', 'data', 'text', 'body', '*.message', '*.data', '*.text', '*.body'];

/**
 * A logger that writes at once, so that nothing is lost on exit: one JSON object a line, or with `pretty` for people.
 */
export async function createLogger({ level, format, to = 2 }: LoggerOptions): Promise<Logger> {
  const inWords = (error: unknown) => errorInWords(error, level === 'debug');
  const serializers = { err: inWords };
  const stream = await destination(format, to);
  const logger: Logger = pino({ level, base: null, redact: PRIVATE, serializers }, stream);
  return logger;
}

async function destination(format: LoggerOptions['format'], to: number): Promise<DestinationStream> {
  const isWanted = format === 'auto' ? isTerminal(process.stderr) : format === 'pretty';
  const pretty = isWanted ? await import('pino-pretty').catch(unlessMissing) : undefined;
  if (pretty) return pretty.default({ destination: to, sync: true, translateTime: 'HH:MM:ss' });
  if (format === 'pretty') {
    const advice = 'Install it where mailbox-chat is: npm install pino-pretty';
    throw new Ending(CONFIGURATION, '--log-format pretty needs an optional package.', [advice]);
  }
  // Writing to a terminal that has closed fails with EIO: the server goes on without it.
  return pino.destination({ dest: to, sync: true }).on('error', () => {});
}

/** pino-pretty is an optional peer of this package. */
function unlessMissing(error: unknown): undefined {
  if (!isErrno(error, 'ERR_MODULE_NOT_FOUND')) throw error;
}

function errorInWords(error: unknown, withStack: boolean): unknown {
  if (!(error instanceof Error)) return error;
  // JSON.parse quotes what it could not read, which may be somebody's message.
  if (error instanceof SyntaxError) return error.name;
  return withStack ? error.stack : `${error.name}: ${error.message}`;
}
