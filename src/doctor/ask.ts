import { request as requestHttp, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import { request as requestHttps } from 'node:https';
import type { Readable } from 'node:stream';
import { createBrotliDecompress, createGunzip, createInflate, constants } from 'node:zlib';
import { createParser, type EventSourceMessage } from 'eventsource-parser';

export interface Question {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: object;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The JSON object that it is, or an empty one. */
  readonly json: Readonly<Record<string, unknown>>;
  readonly tookMs: number;
}

const PATIENCE_MS = 10_000;
const MAX_CHARS = 64 * 1024;

/** One request and its whole answer. Rejects with the system's error, or when none came within 10 s. */
export async function ask(url: URL, question: Question, signal: AbortSignal): Promise<Answer> {
  const startedMs = performance.now();
  const req = send(url, question, signal);
  const late = setTimeout(() => req.destroy(new Error(`no answer in ${PATIENCE_MS / 1000} s`)), PATIENCE_MS);
  try {
    const res = await new Promise<IncomingMessage>((resolve, reject) =>
      req.on('response', resolve).on('error', reject),
    );
    let text = '';
    for await (const part of res.setEncoding('utf8')) text = (text + String(part)).slice(0, MAX_CHARS);
    return {
      status: res.statusCode!,
      headers: res.headers,
      text,
      json: objectIn(text),
      tookMs: performance.now() - startedMs,
    };
  } finally {
    clearTimeout(late);
  }
}

function send(url: URL, { method = 'GET', headers = {}, body }: Question, signal: AbortSignal): ClientRequest {
  const payload = body && JSON.stringify(body);
  const request = url.protocol === 'https:' ? requestHttps : requestHttp;
  const req = request(url, {
    method,
    agent: false,
    signal,
    headers: {
      ...(payload && { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(payload) }),
      ...headers,
    },
  });
  return req.end(payload);
}

function objectIn(text: string): Record<string, unknown> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** When and how a stream ended: by itself (`end`), or cut off. */
export interface StreamEnd {
  readonly atMs: number;
  readonly how: string;
}

/** An open event stream, compressed or not, and what has come on it. Times are of `performance.now`. */
export class OpenedStream {
  readonly openedMs = performance.now();
  readonly events: (EventSourceMessage & { readonly atMs: number })[] = [];
  status: number | undefined;
  headers: IncomingHttpHeaders = {};
  ended: StreamEnd | undefined;
  readonly #closing = new AbortController();
  #changed: () => void = () => undefined;

  constructor(url: URL, headers: Readonly<Record<string, string>>) {
    const req = send(url, { headers: { Accept: 'text/event-stream', ...headers } }, this.#closing.signal);
    req.on('response', (res) => this.#read(res));
    req.on('error', (error) => this.#end(error.message));
  }

  /** Resolves when it holds, the stream is over or the time is up: whether it holds. */
  async until(holds: () => boolean, withinMs: number, signal: AbortSignal): Promise<boolean> {
    const wake = (): void => this.#changed();
    const lateMs = performance.now() + withinMs;
    const timer = setInterval(wake, Math.max(1, withinMs)); // once, or twice when it was a moment early
    signal.addEventListener('abort', wake);
    while (!holds() && !this.ended && performance.now() < lateMs && !signal.aborted) {
      await new Promise<void>((resolve) => (this.#changed = resolve));
    }
    clearInterval(timer);
    signal.removeEventListener('abort', wake);
    signal.throwIfAborted();
    return holds();
  }

  has(event: string): boolean {
    return this.events.some((each) => each.event === event);
  }

  close(): void {
    this.#closing.abort();
  }

  #read(res: IncomingMessage): void {
    this.status = res.statusCode;
    this.headers = res.headers;
    const parser = createParser({
      onEvent: (event) => {
        this.events.push({ ...event, atMs: performance.now() });
        this.#changed();
      },
    });
    const body = decoded(res);
    body.setEncoding('utf8').on('data', (text: string) => parser.feed(text));
    body.on('error', (error) => this.#end(error.message));
    res.on('error', (error) => this.#end(error.message));
    res.on('end', () => this.#end('ended'));
    this.#changed();
  }

  #end(how: string): void {
    this.ended ??= { atMs: performance.now(), how };
    this.#changed();
  }
}

/** Gives out what has come so far, however little. */
function decoded(res: IncomingMessage): Readable {
  const flush = constants.Z_SYNC_FLUSH;
  switch (res.headers['content-encoding']) {
    case 'gzip':
      return res.pipe(createGunzip({ flush }));
    case 'deflate':
      return res.pipe(createInflate({ flush }));
    case 'br':
      return res.pipe(createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH }));
    default:
      return res;
  }
}
