import type { IncomingMessage } from 'node:http';
import getRawBody from 'raw-body';
import type { z } from 'zod';
import { MailboxError } from '../words/mailbox-error.ts';
import { formFields, header, parsedBody } from './request.ts';

export type Body = { readonly text: string } | { readonly fields: Readonly<Record<string, unknown>> };

/** The longest that the body of a message may take. */
const MOST_MS = 11_000;

type MediaType = keyof typeof readers;

/** How to read a body of each type. */
const readers = {
  'application/json': (text: string): Body => ({ fields: fieldsOf(parseJson(text)) }),
  'application/x-www-form-urlencoded': (text: string): Body => ({ fields: formFields(text) }),
  'text/plain': (text: string): Body => ({ text }),
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The body as fields (JSON object, form) or as text (`text/plain`), at most `maxBytes` of UTF-8. If a parser of the host
 * application has read it already, `req.body` counts: an object, a string or a Buffer.
 */
export async function readBody(req: IncomingMessage, maxBytes: number): Promise<Body> {
  const type = mediaType(req);
  const body = parsedBody(req);
  if (typeof body === 'string') return readers[type](body);
  if (body !== undefined && !Buffer.isBuffer(body)) return { fields: fieldsOf(body) };
  return readers[type](decode(body ?? (await readBytes(req, maxBytes))));
}

/** The fields of a JSON object or form. If they do not have this shape, the error says what was `expected`. */
export async function readFields<T>(
  req: IncomingMessage,
  shape: z.ZodType<T>,
  maxBytes: number,
  expected: string,
): Promise<T> {
  const body = await readBody(req, maxBytes);
  const fields = shape.safeParse('fields' in body ? body.fields : undefined);
  if (fields.success) return fields.data;
  throw new MailboxError('INVALID_REQUEST', expected);
}

function mediaType(req: IncomingMessage): MediaType {
  const [type = '', ...parameters] = (header(req, 'content-type') ?? '').toLowerCase().split(';');
  const charset = parameters.map((parameter) => /^\s*charset="?([^"\s]+)"?\s*$/.exec(parameter)?.[1]).find(Boolean);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') throw unsupported('charset', charset);
  const encoding = header(req, 'content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw unsupported('Content-Encoding', encoding);
  const media = type.trim();
  if (!Object.hasOwn(readers, media)) throw unsupported('Content-Type', media);
  return media as MediaType;
}

function unsupported(what: string, value: string): MailboxError {
  return new MailboxError(
    'UNSUPPORTED_MEDIA_TYPE',
    `${what} "${value}" is not supported. Send application/json, application/x-www-form-urlencoded or text/plain in UTF-8.`,
  );
}

/** The bytes of a body; MESSAGE_TOO_LONG when they are more than `maxBytes`. */
export async function readBytes(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  if (req.destroyed && !req.readableEnded) throw cutOff();
  try {
    return await inTime(getRawBody(req, { length: req.headers['content-length'] ?? null, limit: maxBytes }));
  } catch (error) {
    req.resume(); // a client reads our answer only when it has sent everything
    throw problemOf(error, maxBytes);
  }
}

/** Node's own limit must let large files through. An AbortSignal would cost each request that is in time an error. */
async function inTime(body: Promise<Buffer>): Promise<Buffer> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const why = `The request took longer than ${MOST_MS / 1000} seconds. Send it again.`;
    timer = setTimeout(() => reject(new MailboxError('REQUEST_TIMEOUT', why)), MOST_MS).unref();
  });
  try {
    return await Promise.race([body, late]);
  } finally {
    clearTimeout(timer);
  }
}

function problemOf(cause: unknown, maxBytes: number): unknown {
  switch ((cause as getRawBody.RawBodyError).type) {
    case 'entity.too.large':
      return new MailboxError(
        'MESSAGE_TOO_LONG',
        `The request is longer than ${maxBytes} bytes. Send a shorter message.`,
      );
    case 'request.aborted':
    case 'request.size.invalid':
      return cutOff(cause);
    default:
      return cause;
  }
}

export function cutOff(cause?: unknown): MailboxError {
  return new MailboxError('REQUEST_TIMEOUT', 'The request ended before its body was complete.', { cause });
}

function decode(bytes: Buffer): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw new MailboxError('INVALID_REQUEST', 'The request is not valid UTF-8.', { cause: error });
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new MailboxError('INVALID_REQUEST', 'The request is not valid JSON.', { cause: error });
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new MailboxError('INVALID_REQUEST', 'The request must be a JSON object, such as {"sender":"henry", …}.');
  }
  return value as Record<string, unknown>;
}
