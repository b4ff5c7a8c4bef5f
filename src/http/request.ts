import type { IncomingMessage, ServerResponse } from 'node:http';
import { MailboxError } from '../mailbox-error.ts';

/** Answers one request. It uses only what node:http gives, so that it works with Express 4, 5 and without Express. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** Looks at a request and throws, or lets it go on. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: () => void) => void;

export function queryOf({ url = '' }: IncomingMessage): Query {
  const mark = url.indexOf('?');
  return new Query(mark === -1 ? '' : url.slice(mark + 1));
}

/** Query parameters, each given once. */
export class Query {
  readonly #text: string;
  readonly #parsed: URLSearchParams;

  constructor(text: string) {
    this.#text = text;
    this.#parsed = new URLSearchParams(text);
  }

  get(name: string): string | undefined {
    const values = this.#parsed.getAll(name);
    if (values.length > 1)
      throw new MailboxError('INVALID_REQUEST', `"${name}" is given more than once. Give it once.`);
    return values[0];
  }

  /** For what is stored: a percent sign that does not stand for UTF-8 would change the text. */
  text(name: string): string | undefined {
    refuseUnlessUtf8(this.#text);
    return this.get(name);
  }

  /** A whole number from 1 to `most`, or `otherwise` when it is not given. */
  count(name: string, otherwise: number, most: number): number {
    const text = this.get(name);
    if (text === undefined) return otherwise;
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < 1 || value > most) {
      throw new MailboxError('INVALID_REQUEST', `"${name}" must be a whole number from 1 to ${most}.`);
    }
    return value;
  }
}

/** For a query or a form. */
export function refuseUnlessUtf8(text: string): void {
  try {
    decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch (error) {
    throw new MailboxError('INVALID_REQUEST', 'The percent signs do not stand for UTF-8.', { cause: error });
  }
}

export function header(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
