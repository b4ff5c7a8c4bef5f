import type { IncomingMessage, ServerResponse } from 'node:http';
import { MailboxError } from '../words/mailbox-error.ts';

/** Answers one request. It uses only what node:http gives, so that it works with Express 4, 5 and without Express. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => void | Promise<void>;

/** Checks a request and throws, or lets it go on. */
export type Middleware = (req: IncomingMessage, res: ServerResponse, next: () => void) => void;

export type Fields = Readonly<Record<string, string | undefined>>;

export function queryTextOf({ url = '' }: IncomingMessage): string {
  const mark = url.indexOf('?');
  return mark === -1 ? '' : url.slice(mark + 1);
}

/** The parameters of the query, each given once. */
export function queryOf(req: IncomingMessage): Fields {
  return fieldsIn(queryTextOf(req));
}

/**
 * A form, or a query whose text is stored. Refuses percent signs that do not encode UTF-8: they would change the text.
 */
export function formFields(text: string): Fields {
  try {
    decodeURIComponent(text.replaceAll(/%(?![0-9a-f]{2})/gi, '%25'));
  } catch (error) {
    throw new MailboxError('INVALID_REQUEST', 'The percent-encoding is not valid UTF-8.', { cause: error });
  }
  return fieldsIn(text);
}

function fieldsIn(text: string): Fields {
  const form = new URLSearchParams(text);
  const fields = Object.fromEntries(form);
  if (Object.keys(fields).length === form.size) return fields;
  const twice = [...form.keys()].find((name, at, names) => names.indexOf(name) < at);
  throw new MailboxError('INVALID_REQUEST', `"${twice}" is given more than once. Give it once.`);
}

/** What a parser of the host application made of the body; undefined if it is still to be read. */
export function parsedBody(req: IncomingMessage): unknown {
  return req.readableEnded && 'body' in req ? req.body : undefined;
}

/** A whole number in the query; undefined when it is not given. */
export function wholeNumber(query: Fields, name: string, least: number, most: number): number | undefined {
  const text = query[name];
  if (text === undefined) return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new MailboxError('INVALID_REQUEST', `"${name}" must be a whole number from ${least} to ${most}.`);
}

export function header(req: IncomingMessage, name: string): string | undefined {
  const value = req.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
