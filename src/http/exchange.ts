import type { IncomingMessage, ServerResponse } from 'node:http';
import { MailboxError } from '../mailbox-error.ts';

/** One request and its answer, on plain node:http, so that it works under any Express and under none. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly path: string;
  readonly query: Query;
}

export type Handler = (exchange: Exchange) => Promise<void>;

export function exchangeOf(req: IncomingMessage, res: ServerResponse): Exchange {
  const url = req.url ?? '/';
  const mark = url.indexOf('?');
  const path = mark === -1 ? url : url.slice(0, mark);
  return { req, res, path, query: new Query(mark === -1 ? '' : url.slice(mark + 1)) };
}

/** Query parameters, each given once. */
export class Query {
  readonly #text: string;
  #parsed: URLSearchParams | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  get(name: string): string | undefined {
    this.#parsed ??= new URLSearchParams(this.#text);
    const values = this.#parsed.getAll(name);
    if (values.length > 1)
      throw new MailboxError('INVALID_REQUEST', `"${name}" is given more than once. Give it once.`);
    return values[0];
  }

  /** For what is kept: percent signs that do not stand for UTF-8 would make it another text. */
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

/** Answers with one JSON object, never cached. */
export function sendJson(res: ServerResponse, status: number, body: object): void {
  sendJsonText(res, status, JSON.stringify(body));
}

export function sendJsonText(res: ServerResponse, status: number, json: string): void {
  res.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Content-Length': Buffer.byteLength(json),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  res.end(json);
}

export function sendNothing(res: ServerResponse, status = 204): void {
  res.writeHead(status, { 'Cache-Control': 'no-store' });
  res.end();
}
