import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { callerNow, callerOf, type Caller } from '../access/caller.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import type { Ownership } from '../ownership/ownership.ts';
import { requestOwner } from '../ownership/request-owner.ts';
import { readBytes } from './body.ts';
import { isUpload, uploadOf } from './files.ts';
import { BUSY_RETRY_MS } from './open-stream.ts';
import type { OpenStreams } from './open-streams.ts';
import { PassedStream } from './passed-stream.ts';
import { parsedBody } from './request.ts';
import { formatOf } from './wire-format.ts';

/** More than any route takes. */
const MAX_BYTES = 2 * 1024 * 1024;
/** The headers that routes read. */
const PASSED = ['accept', 'content-encoding', 'idempotency-key', 'if-none-match', 'if-range', 'last-event-id', 'range'];
/** Headers that concern one connection only. */
const NOT_PASSED_BACK = new Set(['connection', 'keep-alive', 'transfer-encoding']);
/** After a longer wait, the client may have lost the right to the answer. */
const RECHECK_MS = 1000;
/** Streams that are passed on are counted under this name, which no mailbox can have. */
const STREAMS = '/passed';

/** Has the owner of the directory answer a request, and passes its answer back. Rejects as `requestOwner` does. */
export async function passOn(
  req: IncomingMessage,
  res: ServerResponse,
  ownership: Ownership,
  streams: OpenStreams,
): Promise<void> {
  const { method = 'GET', url: path = '/' } = req;
  const body = isUpload(req) ? { bytes: uploadOf(req), type: undefined } : await bodyOf(req);
  const headers = { ...only(PASSED, req.headers), ...(body.type !== undefined && { 'content-type': body.type }) };
  const client = new AbortController();
  res.once('close', () => client.abort());
  if (res.destroyed) return;

  const askedMs = performance.now();
  const asked = { method, path, headers, body: body.bytes, caller: callerOf(req), signal: client.signal };
  const answer = await requestOwner(ownership, asked)
    .catch((error: unknown) => {
      if (!client.signal.aborted) throw error;
    })
    .finally(() => {
      if (!req.complete) res.setHeader('Connection', 'close'); // the rest of an upload is of no use
    });
  if (!answer) return;
  if (performance.now() - askedMs > RECHECK_MS) await recheck(req, answer);
  const names = Object.keys(answer.headers).filter((name) => !NOT_PASSED_BACK.has(name));
  res.writeHead(answer.statusCode!, only(names, answer.headers));
  const format = formatOf(answer.headers['content-type']);
  if (format) follow(req, new PassedStream(res, format, answer), streams);
  else answer.on('error', () => res.destroy()).pipe(res);
}

/** Drops the answer to a long poll if the client lost the right to it in the meantime. */
async function recheck(req: IncomingMessage, answer: IncomingMessage): Promise<void> {
  if (req.method !== 'GET' || rightsOf(await callerNow(req)) === rightsOf(callerOf(req))) return;
  answer.destroy();
  throw new MailboxError('UNAUTHORIZED', 'You lost access while you waited. Ask again.');
}

/** Passes a stream on until the client loses a right. Only the process where the request arrived can see that. */
function follow(req: IncomingMessage, stream: PassedStream, streams: OpenStreams): void {
  if (streams.isFull(STREAMS, Infinity)) return stream.bye('busy', BUSY_RETRY_MS);
  const before = rightsOf(callerOf(req));
  streams.add(STREAMS, stream, async () => rightsOf(await callerNow(req)) === before);
}

function rightsOf({ as, mayInspect }: Caller): string {
  return JSON.stringify([as, mayInspect]);
}

/** The body as it came, or what a parser of the host application made of it, as JSON. */
async function bodyOf(req: IncomingMessage): Promise<{ bytes: Buffer; type: string | undefined }> {
  const type = req.headers['content-type'];
  const parsed = parsedBody(req);
  if (parsed === undefined) return { bytes: await readBytes(req, MAX_BYTES), type };
  if (typeof parsed === 'string' || Buffer.isBuffer(parsed)) return { bytes: Buffer.from(parsed), type };
  return { bytes: Buffer.from(JSON.stringify(parsed)), type: 'application/json' };
}

function only(names: readonly string[], headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(names.map((name) => [name, headers[name]]).filter(([, value]) => value !== undefined));
}
