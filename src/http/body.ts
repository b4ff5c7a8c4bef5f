import type { IncomingMessage } from 'node:http';
import { MailboxError } from '../mailbox-error.ts';
import { header, refuseUnlessUtf8 } from './exchange.ts';

export type Body = { readonly text: string } | { readonly fields: Readonly<Record<string, unknown>> };

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The body as fields (JSON object, form) or as text (`text/plain`), at most `maxBytes` of UTF-8. What a host
 * application's own parser has read already is taken as it is.
 */
export async function readBody(req: IncomingMessage, maxBytes: number): Promise<Body> {
  const type = mediaType(req);
  const parsed = (req as { body?: unknown }).body;
  if (parsed !== undefined && req.readableEnded)
    return typeof parsed === 'string' ? readText(type, parsed) : { fields: fieldsOf(parsed) };
  return readText(type, decode(await readBytes(req, maxBytes)));
}

function readText(type: string, text: string): Body {
  switch (type) {
    case 'application/json':
      return { fields: fieldsOf(parseJson(text)) };
    case 'application/x-www-form-urlencoded':
      return { fields: formFields(text) };
    case 'text/plain':
      return { text };
    default:
      throw unsupported('Content-Type', type);
  }
}

function mediaType(req: IncomingMessage): string {
  const [type = '', ...parameters] = (header(req, 'content-type') ?? '').toLowerCase().split(';');
  const charset = parameters.map((parameter) => /^\s*charset="?([^"\s]+)"?\s*$/.exec(parameter)?.[1]).find(Boolean);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') throw unsupported('charset', charset);
  const encoding = header(req, 'content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw unsupported('Content-Encoding', encoding);
  const media = type.trim();
  if (!['application/json', 'application/x-www-form-urlencoded', 'text/plain'].includes(media)) {
    throw unsupported('Content-Type', media);
  }
  return media;
}

function unsupported(what: string, value: string): MailboxError {
  return new MailboxError(
    'UNSUPPORTED_MEDIA_TYPE',
    `${what} "${value}" is not supported. Send application/json, application/x-www-form-urlencoded or text/plain in UTF-8.`,
  );
}

function readBytes(req: IncomingMessage, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    if (Number(req.headers['content-length']) > maxBytes) return reject(tooLong(maxBytes));
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) {
        req.removeAllListeners('data');
        req.resume();
        reject(tooLong(maxBytes));
      } else chunks.push(chunk);
    });
    req.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
    req.on('error', reject);
    req.on('close', () => {
      if (!req.complete) reject(new MailboxError('REQUEST_TIMEOUT', 'The request ended before its body was complete.'));
    });
  });
}

function tooLong(maxBytes: number): MailboxError {
  return new MailboxError('MESSAGE_TOO_LONG', `The request is longer than ${maxBytes} bytes. Send a shorter message.`);
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

function formFields(text: string): Record<string, unknown> {
  refuseUnlessUtf8(text);
  const form = new URLSearchParams(text);
  const names = [...form.keys()];
  if (new Set(names).size < names.length) throw new MailboxError('INVALID_REQUEST', 'A field is given more than once.');
  return Object.fromEntries(form);
}
