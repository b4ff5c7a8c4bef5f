import type { IncomingMessage, ServerResponse } from 'node:http';
import { basename, dirname } from 'node:path';
import { Readable } from 'node:stream';
import send from 'send';
import { admit, admitAnyone, callerOf, personAsking, type Caller } from '../access/caller.ts';
import { MAX_FILE_BYTES, isSha256, notStored, tooLarge, type FileStore, type KeptFile } from '../words/file-store.ts';
import { MailboxError, isErrno } from '../words/mailbox-error.ts';
import { isRoom, mailboxName, personName, type MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, Message } from '../words/mailbox-store.ts';
import { fileName, type MessageFile } from '../words/message-files.ts';
import { sendJson } from './answer.ts';
import { cutOff } from './body.ts';
import type { Chat } from './chat.ts';
import { UNKNOWN_TYPE, isShown, typeOfFile } from './file-type.ts';
import type { NewMessage } from './read-message.ts';
import { header, parsedBody, queryOf, type Handler } from './request.ts';

interface SendError {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An upload that does not move for so long is given up. */
const IDLE_MS = 30_000;
const HEADERS = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'private, max-age=86400, immutable', // its hash names it, but its message may be removed
  Vary: 'Cookie, Authorization',
};

/** `POST /files?receiver=henry&sender=jjeong` with the file as the body, whatever its Content-Type. */
export function postFile({ store, sends }: Chat): Handler {
  return async (req, res) => {
    const query = queryOf(req);
    const [receiver, sender] = [mailboxName(query['receiver']), personName(query['sender'])];
    const caller = callerOf(req);
    try {
      admit(caller, sender);
      sends.count(caller.address, sender);
      if (Number(header(req, 'content-length') ?? 0) > MAX_FILE_BYTES) throw tooLarge();
      const { sha256, bytes, path } = await filesOf(store.files).put(receiver, sender, received(req));
      sendJson(res, 201, { sha256, bytes, type: await typeOfFile(path) });
    } catch (error) {
      res.setHeader('Connection', 'close'); // the rest of the body is of no use
      req.resume();
      throw error;
    }
  };
}

/** `GET /files/<sha256>?mailbox=henry`, with `name=` to name the download. */
export function getFile({ store, asks }: Chat): Handler {
  return async (req, res) => {
    const { name = '', ...query } = queryOf(req);
    const mailbox = mailboxName(query['mailbox']);
    const caller = callerOf(req);
    admitAnyone(caller);
    asks.count(caller.address, personAsking(caller));
    const sha256 = /^\/files\/([^?]*)/.exec(req.url ?? '')?.[1] ?? '';
    const file = isSha256(sha256) && (await readable(sha256, mailbox, caller, filesOf(store.files)));
    if (!file) throw notFound();
    const look = lookOf(await typeOfFile(file.path), name);
    await sendFile(req, res, file.path, { ...HEADERS, ...look, ETag: `"${sha256}"` });
  };
}

/** Adds what is known of the files that a message names. INVALID_MESSAGE if its sender has not stored them. */
export async function withStoredFiles({ files, ...message }: NewMessage, store: MailboxStore): Promise<Message> {
  if (!files) return message;
  const kept = filesOf(store.files);
  const { sender, receiver } = message;
  const stored = files.map(async ({ name, sha256, ...size }): Promise<MessageFile> => {
    const file = await kept.find(receiver, sha256, sender);
    if (!file) throw notStored(sha256, sender, receiver);
    return { name, type: await typeOfFile(file.path), bytes: file.bytes, sha256, ...size };
  });
  return { ...message, files: await Promise.all(stored) };
}

export function isUpload({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && /^\/files(?:\?|$)/.test(url);
}

/** The body of an upload. A parser of the host application may have read it, but must not have changed it. */
export function uploadOf(req: IncomingMessage): Readable {
  const body = parsedBody(req);
  if (body === undefined) return req;
  if (Buffer.isBuffer(body)) return Readable.from([body]);
  const why = 'The application has read the file as something else. Send it as application/octet-stream.';
  throw new MailboxError('INVALID_REQUEST', why);
}

async function* received(req: IncomingMessage): AsyncGenerator<Buffer> {
  req.setTimeout(IDLE_MS, () => req.destroy());
  try {
    yield* uploadOf(req).iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
  } catch (cause) {
    throw isErrno(cause, 'ECONNRESET', 'ABORT_ERR', 'ERR_STREAM_PREMATURE_CLOSE') ? cutOff(cause) : cause;
  } finally {
    req.setTimeout(0);
  }
}

/** A file that this caller may read: any of his own mailbox, or of a room, and otherwise what he has sent there. */
async function readable(
  sha256: string,
  mailbox: MailboxName,
  { as }: Caller,
  files: FileStore,
): Promise<KeptFile | undefined> {
  if (as === 'everybody' || isRoom(mailbox) || as.includes(mailbox)) return files.find(mailbox, sha256);
  for (const person of as) {
    const file = await files.find(mailbox, sha256, person);
    if (file) return file;
  }
  return undefined;
}

/** Lets a browser show only what is an image, whatever it is called. */
function lookOf(type: string, name: string): Readonly<Record<string, string>> {
  const [disposition, shownType] = isShown(type) ? ['inline', type] : ['attachment', UNKNOWN_TYPE];
  const encoded = encodeURIComponent(fileName(name)).replaceAll(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16)}`);
  const called = name === '' ? '' : `; filename*=UTF-8''${encoded}`;
  return { 'Content-Type': shownType, 'Content-Disposition': disposition + called };
}

/** Answers with a file, or the part of it that a Range header asks for. */
async function sendFile(
  req: IncomingMessage,
  res: ServerResponse,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  const options = { root: dirname(path), dotfiles: 'allow', cacheControl: false, lastModified: false } as const;
  await new Promise<void>((resolve, reject) => {
    send(req, encodeURIComponent(basename(path)), options)
      .on('headers', () => res.setHeaders(new Map(Object.entries(headers))))
      .on('error', ({ status, headers: why }: SendError) => {
        res.removeHeader('Content-Type');
        if (status === 404) reject(notFound());
        else res.writeHead(status, why).end(); // such as a range beyond the end
      })
      .pipe(res)
      .once('close', resolve);
  });
}

/** NOT_SUPPORTED if the store keeps none. */
function filesOf(files: FileStore | undefined): FileStore {
  if (files) return files;
  throw new MailboxError('NOT_SUPPORTED', 'This chat keeps its mail in NATS, which stores no files. Send text.');
}

function notFound(): MailboxError {
  return new MailboxError('NOT_FOUND', 'There is no such file in this mailbox, or it is not yours to read.');
}
