import { Agent, request, type IncomingMessage } from 'node:http';
import * as fc from 'fast-check';
import { ENDPOINTS } from './requests-of-all-kinds.ts';
import { NO_TEXTS, REFUSED_NAMES, STRANGE_NAMES } from './names.ts';

const PATHS = [
  '/messages',
  '/messages.html',
  '/status',
  '/status.html',
  '/history',
  '/search',
  '/receipts',
  '/typing',
  '/session',
  '/people',
  '/healthz',
  '/readyz',
  '/',
  '/chat.html',
  '/js/chat.js',
  '/nothing',

  '//messages',
  '/messages/',
  '/Messages',
  '/%6dessages',
  '/messages%00',
  '/..%2fpackage.json',
  '/.%2e/package.json',
  '/js',

  '/messages;a=b',
  '//evil.test/%2e%2e',
  '/%',
  '/%ff',
  '/\\..\\x',
  '/__proto__',
  '/constructor',
  '*',
  'http://evil.test/status',
];
const FIELDS = [
  'sender',
  'receiver',
  'f',
  'person',
  'with',
  'message',
  'key',
  'lastEventId',
  'since',
  'limit',
  'before',
  'wait',
  'delivered',
  'read',
  '__proto__',
  'constructor',
  'sender[]',
  'receiver.txt',
  '',
];
const HEADERS = [
  'last-event-id',
  'idempotency-key',
  'accept',
  'origin',
  'sec-fetch-site',
  'purpose',
  'sec-purpose',
  'cookie',

  'authorization',
  'x-forwarded-for',
  'x-forwarded-proto',
  'content-encoding',
  'range',
  'if-none-match',
  'referer',
  'host',
];
const TYPES = [
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain',
  'multipart/form-data; boundary=x',
  'text/html',
  'application/json; charset=utf-16',
  'text/plain;charset="utf-8"',
  '',
  'a/b;;;=',
  'APPLICATION/JSON',
];
/** Excludes a `wait` of whole seconds: a long poll would delay the run. */
const isQuick = (name: string, value: unknown): boolean => name !== 'wait' || !/^\d+$/.test(asText(value));

const goodName = fc.constantFrom('henry', 'jjeong', 'HENRY', 'mina', 'room.lobby', 'henry.txt', ...STRANGE_NAMES);
const id = fc.oneof(
  fc.tuple(fc.nat(), fc.nat(9)).map(([ms, seq]) => `${ms}-${seq}`),
  fc.constantFrom(
    '0-0',
    '0-0.1',
    '999999999999999-9999999999',
    '1-',
    '-1',
    '1e3-0',
    '0-0~0-0',
    '~',
    '-~-',
    'all',
    'latest',
    '10m',
  ),
);
const badText = fc.constantFrom(...REFUSED_NAMES.map(String));
const text = fc.oneof(
  { weight: 4, arbitrary: goodName },
  { weight: 2, arbitrary: badText },
  { weight: 2, arbitrary: id },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 1, arbitrary: fc.string({ maxLength: 5000, size: 'max' }) },
  { weight: 1, arbitrary: fc.nat().map(String) },
);
const anything = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 1, arbitrary: fc.constantFrom(...NO_TEXTS) },
  { weight: 1, arbitrary: fc.jsonValue() },
);
const name = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...FIELDS) }, { weight: 1, arbitrary: fc.string() });
const likely = fc.record(
  { sender: goodName, receiver: goodName, message: text, f: goodName, read: id, delivered: id, before: id, since: id },
  { requiredKeys: [] },
);
const pairs = fc.array(fc.tuple(name, anything), { maxLength: 6 });
const fields = fc
  .tuple(likely, pairs)
  .map(([some, more]) => [...Object.entries(some), ...more].filter(([key, value]) => isQuick(key, value)));

const body = fc.oneof(
  fields.map((all) => Buffer.from(jsonOf(all))),
  fields.map((all) => Buffer.from(formOf(all))),
  fc.json().map((json) => Buffer.from(json)),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.constantFrom(
    Buffer.alloc(0),
    Buffer.alloc(60_000, '['),
    Buffer.alloc(100_000, 'a'),
    Buffer.from('{"__proto__":{"sender":"henry"}}'),
  ),
);
const headerValue = fc
  .oneof(
    text,
    fc.constantFrom(
      'application/json',
      'application/x-ndjson',
      'text/event-stream',
      'same-origin',
      'prefetch',
      'Bearer x',
    ),
  )
  .map((value) =>
    Buffer.from(value)
      .toString('latin1')
      .replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '')
      .slice(0, 3000),
  );

const wild = fc.record({
  method: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('GET', 'POST') },
    { weight: 1, arbitrary: fc.constantFrom('HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND') },
  ),
  path: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom(...PATHS.slice(0, 9)) },
    { weight: 1, arbitrary: fc.constantFrom(...PATHS) },
  ),
  query: fc.option(fields.map(formOf), { freq: 3, nil: '' }),
  type: fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...TYPES.slice(0, 3)) },
    { weight: 1, arbitrary: fc.constantFrom(...TYPES) },
  ),
  body,
  headers: fc.dictionary(fc.constantFrom(...HEADERS), headerValue, { maxKeys: 3 }),
});

/** Almost valid requests get further than entirely wrong ones. */
const nearly = fc
  .record({
    endpoint: fc.constantFrom(...ENDPOINTS),
    asForm: fc.boolean(),
    fields: fc.record({
      sender: fc.oneof({ weight: 4, arbitrary: fc.constant('henry') }, { weight: 1, arbitrary: text }),
      receiver: fc.oneof({ weight: 3, arbitrary: goodName }, { weight: 1, arbitrary: text }),
      f: goodName,
      message: text,
      key: fc.option(fc.constantFrom('a', 'b', 'c', '\n', 'é'), { nil: 'd' }),
      read: id,
      delivered: fc.constantFrom('0-0', '1-1'),
    }),
    more: fc.option(
      pairs.map((all) => all.slice(0, 2).filter(([key, value]) => isQuick(key, value))),
      { nil: [] },
    ),
    header: fc.dictionary(fc.constantFrom('last-event-id', 'accept', 'idempotency-key', 'cookie'), headerValue, {
      maxKeys: 1,
    }),
  })
  .map(({ endpoint: { method, path, names, rest }, asForm, fields: all, more, header }) => {
    const wanted = [...names, ...Object.keys(rest), ...(path === '/messages' ? ['key'] : [])];
    const entries = [...wanted.map((key) => [key, (all as Record<string, unknown>)[key]] as const), ...more];
    return {
      method,
      path,
      query: method === 'GET' ? formOf(entries) : '',
      type: asForm ? 'application/x-www-form-urlencoded' : 'application/json',
      body: Buffer.from(asForm ? formOf(entries) : jsonOf(entries)),
      headers: header,
    };
  });

/** A request of any form. */
export const anyRequest = fc.oneof({ weight: 2, arbitrary: nearly }, { weight: 1, arbitrary: wild });

export type AnyRequest = typeof anyRequest extends fc.Arbitrary<infer T> ? T : never;

function jsonOf(entries: readonly (readonly [string, unknown])[]): string {
  // Not JSON.stringify, so that a name can occur twice or be `__proto__`.
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value) ?? 'null'}`).join(',')}}`;
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function formOf(entries: readonly (readonly [string, unknown])[]): string {
  return new URLSearchParams(entries.map(([key, value]): [string, string] => [key, asText(value)]))
    .toString()
    .slice(0, 8000);
}

export interface Answered {
  readonly status: number;
  readonly text: string;
  readonly headers: IncomingMessage['headers'];
}

const agent = new Agent({ keepAlive: true, maxSockets: 32 });

/** Makes the request. Of a stream, it waits only for the beginning. */
export function send(
  port: number,
  asked: AnyRequest,
  credential: Readonly<Record<string, string>> = {},
): Promise<Answered> {
  const { method, path, query, type, headers, body } = asked;
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH';
  return new Promise((resolve, reject) => {
    const req = request(
      {
        agent,
        host: '127.0.0.1',
        port,
        method,
        path: (path + (query === '' ? '' : `?${query}`)).slice(0, 12_000),
        headers: { ...headers, ...(hasBody && { 'content-type': type, 'content-length': body.length }), ...credential },
      },
      (res) => {
        const { statusCode: status = 0 } = res;
        let text = '';
        const done = (): void => resolve({ status, text, headers: res.headers });
        if (/event-stream|ndjson/.test(res.headers['content-type'] ?? '')) {
          done();
          req.destroy();
          return;
        }
        res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        res.on('end', done).on('error', reject);
      },
    );
    // A refusal before the body has arrived may cut the connection: then the answer counts, or else the next request.
    req.on('error', (error: NodeJS.ErrnoException) =>
      ['ECONNRESET', 'EPIPE'].includes(error.code ?? '')
        ? resolve({ status: -1, text: '', headers: {} })
        : reject(error),
    );
    req.end(hasBody ? body : undefined);
  });
}

/** Statuses that are not failures of the server. 507: no more mailboxes may be made. */
const FINE = new Set([
  -1, 200, 201, 204, 206, 301, 304, 308, 400, 401, 403, 404, 405, 409, 413, 415, 416, 429, 431, 507,
]);

/** What is wrong with an answer; undefined if nothing is. */
export function complaintAbout({ status, text, headers }: Answered): string | undefined {
  if (!FINE.has(status)) return `${status} ${text.slice(0, 300)}`;
  const shared = Object.keys(headers).find((header) => header.startsWith('access-control'));
  if (shared !== undefined) return `${shared}: another site may read`;
  if (status >= 400 && /\bat \S+ \(|node:internal|\/src\/|\/dist\//.test(text)) return `tells of the inside: ${text}`;
  return undefined;
}

export interface FuzzOptions {
  readonly ports: readonly number[];
  readonly requests: number;
  readonly seed?: number;
  readonly credentials?: readonly Readonly<Record<string, string>>[];
  readonly onBatch?: (made: number) => void;
}

const BATCH = 20;

/** Sends requests until one goes wrong or there were enough. Rejects with the request that went wrong. */
export async function fuzz(options: FuzzOptions): Promise<Map<number, number>> {
  const { ports, requests, seed, credentials = [{}], onBatch = () => undefined } = options;
  const statuses = new Map<number, number>();
  let made = 0;
  const property = fc.asyncProperty(
    fc.array(anyRequest, { minLength: BATCH, maxLength: BATCH, size: 'max' }),
    async (batch) => {
      const answers = await Promise.all(
        batch.map((asked, i) => send(ports[i % ports.length]!, asked, credentials[i % credentials.length])),
      );
      made += batch.length;
      onBatch(made);
      for (const [i, answer] of answers.entries()) {
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        const complaint = complaintAbout(answer);
        if (complaint !== undefined)
          throw new Error(`${complaint}: ${JSON.stringify({ ...batch[i], body: String(batch[i]!.body) })}`);
      }
    },
  );
  try {
    await fc.assert(property, {
      numRuns: Math.ceil(requests / BATCH),
      endOnFailure: true,
      ...(seed !== undefined && { seed }),
    });
  } finally {
    agent.destroy();
  }
  return statuses;
}
