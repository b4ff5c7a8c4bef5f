type Log = (fields: object, message: string) => void;

/** What this product needs of a logger; pino's fits, and so does a host application's own. */
export interface Logger {
  readonly debug: Log;
  readonly info: Log;
  readonly warn: Log;
  readonly error: Log;
}

/** Says nothing. */
export const silent: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };

function nothing(): void {}
