import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { Validator } from '@seriousme/openapi-schema-validator';
import { createParser } from 'eventsource-parser';
import { parse } from 'yaml';
import { FileMailboxes, MailboxError, type MailboxErrorCode, type MailboxStore } from '../../src/index.ts';
import { bearer, serveLinks } from '../security/kit/links.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { sha256Of, storeFile } from '../support/files.ts';
import { reportReceipt, say, type At } from '../support/requests.ts';
import { listen } from '../support/listener.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';
import { OPENAPI_TEXT, OpenApi, PROBLEMS, type Answer, type RequestParts } from './kit/openapi.ts';

const api = new OpenApi();

// Asking

interface Ask {
  readonly operation: string;
  /** As fields, or as the text after the question mark. */
  readonly query?: Readonly<Record<string, string>> | string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON; a string as it is, with the Content-Type in `headers`. */
  readonly body?: object | string;
}

interface Asked extends Ask {
  readonly request: RequestParts;
  readonly answer: Answer;
}

async function ask({ url }: At, asked: Ask): Promise<Asked> {
  const { operation, query = {}, body } = asked;
  const [method = '', path = ''] = operation.split(' ');
  const address = `${url}${path}?${new URLSearchParams(query).toString()}`;
  const json: Record<string, string> = typeof body === 'object' ? { 'content-type': 'application/json' } : {};
  const headers = { ...json, ...asked.headers };
  const text = typeof body === 'object' ? JSON.stringify(body) : body;
  const response = await fetch(address, { method, headers, ...(text !== undefined && { body: text }) });
  const answerText = await response.text();
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false;
  return {
    ...asked,
    request: { url: address, headers, ...(body !== undefined && { body }) },
    answer: { status: response.status, headers: response.headers, body: isJson ? JSON.parse(answerText) : answerText },
  };
}

/** Changes to a request that succeeds. */
const but = (request: Ask, change: Partial<Ask>): Ask => ({ ...request, ...change });
const withFields = (request: Ask, fields: object): Ask =>
  request.body === undefined
    ? but(request, { query: { ...(request.query as object), ...fields } })
    : but(request, { body: { ...(request.body as object), ...fields } });
const withQuery = (request: Ask, fields: object): Ask =>
  but(request, { query: { ...(request.query as object), ...fields } });
const withHeaders = (request: Ask, headers: Readonly<Record<string, string>>): Ask =>
  but(request, { headers: { ...request.headers, ...headers } });

// Situations

type Situation = (request: Ask) => () => Promise<Asked>;

const open: Situation = (request) => async () => ask(await serveChat(), request);
const fromElsewhere: Situation = (request) => open(withHeaders(request, { 'Sec-Fetch-Site': 'cross-site' }));
const withoutLink: Situation = (request) => async () => ask(await serveLinks(), request);
const twice: Situation = (request) => async () => {
  const chat = await serveChat();
  await ask(chat, request);
  return ask(chat, request);
};
/** More at once than two seconds allow, wherever one ends and the next begins. */
const tooFast: Situation = (request) => async () => {
  const chat = await serveChat({ sendRate: 1 });
  const asked = await Promise.all(Array.from({ length: 40 }, () => ask(chat, request)));
  return asked.find(({ answer }) => answer.status === 429) ?? asked[0]!;
};
const closed: Situation = (request) => async () => {
  const served = await serveChat();
  await served.chat.close();
  return ask(served, request);
};
const noRoom: Situation = (request) => async () => {
  const chat = await serveChat({ store: new FileMailboxes(temporaryDirectory(), { maxWaiting: 1 }) });
  await ask(chat, request);
  return ask(chat, request);
};
const linkInPlaceOfMailbox: Situation = (request) => async () => {
  const chat = await serveChat();
  symlinkSync('/dev/null', chat.mailboxFile('henry'));
  return ask(chat, request);
};
const loginDown: Situation = (request) => async () =>
  ask(await serveChat({ identify: () => Promise.reject(new Error('the login is down')) }), request);
const storeThat =
  (code: MailboxErrorCode): Situation =>
  (request) =>
  async () =>
    ask(await serveChat({ store: failingStore(code) }), request);

/** A store that can do nothing, in place of a real one. */
function failingStore(code: MailboxErrorCode, more: Readonly<Record<string, unknown>> = {}): MailboxStore {
  const fail = (): Promise<never> => Promise.reject(new MailboxError(code, 'It cannot be done now.'));
  const answers: Record<string, unknown> = {
    live: undefined,
    isId: () => true,
    close: () => Promise.resolve(),
    ...more,
  };
  return new Proxy({} as MailboxStore, { get: (_, name) => (name in answers ? answers[String(name)] : fail) });
}

const withoutFiles: Situation = (request) => async () =>
  ask(await serveChat({ store: failingStore('CLOSED', { files: undefined }) }), request);
const filesThat =
  (code: MailboxErrorCode): Situation =>
  (request) =>
  async () =>
    ask(await serveChat({ store: failingStore('CLOSED', { files: failingStore(code) }) }), request);
const afterUpload: Situation = (request) => async () => {
  const chat = await serveChat();
  await storeFile(chat, 'jjeong', 'henry', '0123456789');
  return ask(chat, request);
};

// Requests that succeed

const FROM = { sender: 'jjeong', receiver: 'henry' };
const MESSAGE = { ...FROM, message: '안녕' };
const EDIT = { ...MESSAGE, event: 'edit' };
const post: Ask = { operation: 'POST /messages', body: MESSAGE };
const get: Ask = { operation: 'GET /messages', query: MESSAGE };
const status: Ask = {
  operation: 'GET /status',
  query: { receiver: 'henry', since: 'all' },
  headers: { Accept: 'application/json' },
};
const history: Ask = { operation: 'GET /history', query: { receiver: 'henry', sender: 'jjeong', limit: '10' } };
const search: Ask = { operation: 'GET /search', query: { receiver: 'henry', sender: 'jjeong', text: 'shell' } };
const receipt: Ask = {
  operation: 'POST /receipts',
  body: { receiver: 'henry', sender: 'jjeong', delivered: '0-0', read: '0-0' },
};
const typing: Ask = { operation: 'POST /typing', body: { sender: 'jjeong', receiver: 'henry' } };
const people: Ask = { operation: 'GET /people', query: { receiver: 'henry' } };
const inspect: Ask = { operation: 'GET /inspect', query: { mailbox: 'henry' } };
const upload: Ask = {
  operation: 'POST /files',
  query: { sender: 'jjeong', receiver: 'henry' },
  headers: { 'content-type': 'application/octet-stream' },
  body: '0123456789',
};
const download: Ask = {
  operation: `GET /files/${sha256Of('0123456789')}`,
  query: { mailbox: 'henry', name: 'digits.txt' },
};
const session: Ask = { operation: 'POST /session', body: { key: 'not a key' } };
const whoAmI: Ask = { operation: 'GET /session', query: { person: 'henry' } };
const names: Ask = { operation: 'GET /names', query: { name: "O'Neil" } };
const health: Ask = { operation: 'GET /healthz' };
const ready: Ask = { operation: 'GET /readyz' };

// What makes each answer

type Provoked = Readonly<Record<string, () => Promise<Asked>>>;

/** What everybody but that person gets. */
const whenNotAdmitted = (request: Ask): Provoked => ({
  '401 UNAUTHORIZED': withoutLink(request),
  '403 FORBIDDEN': fromElsewhere(request),
});

const whenBodyIsUnusable = (request: Ask): Provoked => ({
  '400 INVALID_REQUEST': open(but(request, { body: 'no JSON', headers: { 'content-type': 'application/json' } })),
  '413 MESSAGE_TOO_LONG': open(withFields(request, { sender: 'x'.repeat(5000) })),
  '415 UNSUPPORTED_MEDIA_TYPE': open(but(request, { body: 'a,b', headers: { 'content-type': 'text/csv' } })),
});

const sending = (request: Ask): Provoked => ({
  ...whenNotAdmitted(request),
  '400 INVALID_MESSAGE': open(withFields(request, { message: '' })),
  '400 INVALID_NAME': open(withFields(request, { receiver: '../henry' })),
  '409 KEY_REUSED': async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'another text', 'k1');
    return ask(chat, withFields(request, { key: 'k1' }));
  },
  '413 MESSAGE_TOO_LONG': open(withFields(request, { message: 'x'.repeat(4001) })),
  '429 RATE_LIMITED': tooFast(request),
  '503 MAILBOX_BUSY': storeThat('MAILBOX_BUSY')(request),
  '503 MAILBOX_UNUSABLE': linkInPlaceOfMailbox(request),
  '503 STORE_FAILED': storeThat('STORE_FAILED')(request),
  '503 CLOSED': closed(request),
  '507 MAILBOX_FULL': noRoom(request),
  '507 DISK_FULL': storeThat('DISK_FULL')(request),
  '507 WRITE_FAILED': storeThat('WRITE_FAILED')(request),
});

const sendingByGet = (request: Ask): Provoked => ({
  ...sending(request),
  '200': open(request),
  '400 INVALID_REQUEST': open(but(request, { query: 'sender=anna&sender=ben' })),
});

const reading = (request: Ask): Provoked => ({
  ...whenNotAdmitted(request),
  '200': async () => {
    const chat = await serveChat();
    const { id: of } = await say(chat, 'jjeong', 'henry', 'hi');
    const removed = await say(chat, 'jjeong', 'henry', 'hi');
    chat.writeForeign('henry', 'event: news\ndata: from a shell\n\n');
    for (const body of [
      { ...EDIT, of },
      { ...FROM, event: 'react', of, emoji: '👍' },
    ])
      await ask(chat, but(post, { body }));
    await ask(chat, but(post, { body: { ...FROM, event: 'remove', of: removed.id } }));
    return ask(chat, request);
  },
  '400 INVALID_NAME': open(withFields(request, { receiver: 'a/b' })),
  '503 STORE_FAILED': storeThat('STORE_FAILED')(request),
  '503 CLOSED': closed(request),
});

const listening = (request: Ask): Provoked => ({
  ...reading(request),
  '400 INVALID_REQUEST': open(withFields(request, { f: 'henry.txt' })),
  '400 INVALID_CURSOR': open(withFields(request, { lastEventId: 'x' })),
  '503 TOO_MANY_STREAMS': async () => {
    const chat = await serveChat({ maxStreams: 1 });
    await listen(`${chat.url}/status?receiver=henry`);
    return ask(chat, withFields(request, { receiver: 'jjeong', wait: '60' }));
  },
});

const PROVOKED: Readonly<Record<string, Provoked>> = {
  'POST /messages': {
    ...whenBodyIsUnusable(post),
    ...sending(post),
    '404 NOT_FOUND': open(but(post, { body: { ...EDIT, of: '1-0' } })),
    '409 MESSAGE_REMOVED': async () => {
      const chat = await serveChat();
      chat.writeForeign('henry', 'data: {"sender":"jjeong","message":"hi","time":"","key":""}\n\n');
      chat.writeForeign('henry', 'event: remove\ndata: {"sender":"jjeong","of":"0-0.1"}\n\n');
      return ask(chat, but(post, { body: { ...EDIT, of: '0-0.1' } }));
    },
    '501 NOT_SUPPORTED': storeThat('NOT_SUPPORTED')(post),
    '201': open(withHeaders(post, { 'Idempotency-Key': '"k1"' })),
    '200': twice(withFields(post, { key: 'k1' })),
  },
  'GET /messages': sendingByGet(get),
  'GET /messages.html': sendingByGet(but(get, { operation: 'GET /messages.html' })),
  'GET /status': listening(status),
  'GET /status.html': listening(but(status, { operation: 'GET /status.html' })),
  'GET /history': {
    ...reading(history),
    '400 INVALID_REQUEST': open(withFields(history, { limit: '501' })),
    '400 INVALID_CURSOR': open(withFields(history, { before: 'x' })),
    '429 RATE_LIMITED': tooFast(history),
  },
  'GET /search': {
    ...reading(search),
    '400 INVALID_REQUEST': open(withFields(search, { text: 'x' })),
    '400 INVALID_CURSOR': open(withFields(search, { before: 'x' })),
    '429 RATE_LIMITED': tooFast(search),
  },
  'POST /receipts': {
    ...whenNotAdmitted(receipt),
    ...whenBodyIsUnusable(receipt),
    '204': open(receipt),
    '400 INVALID_NAME': open(withFields(receipt, { receiver: 'room.lobby' })),
    '400 INVALID_CURSOR': open(withFields(receipt, { delivered: '1-0' })),
    '429 RATE_LIMITED': tooFast(receipt),
    '503 STORE_FAILED': storeThat('STORE_FAILED')(receipt),
    '503 CLOSED': closed(receipt),
  },
  'POST /typing': {
    ...whenNotAdmitted(typing),
    ...whenBodyIsUnusable(typing),
    '204': open(typing),
    '400 INVALID_NAME': open(withFields(typing, { sender: '.' })),
    '429 RATE_LIMITED': tooFast(typing),
    '503 STORE_FAILED': loginDown(typing),
  },
  'GET /people': {
    ...reading(people),
    '400 INVALID_REQUEST': open(but(people, { query: 'receiver=anna&receiver=ben' })),
    '429 RATE_LIMITED': tooFast(people),
  },
  'POST /files': {
    ...whenNotAdmitted(upload),
    '201': open(upload),
    '400 INVALID_NAME': open(withQuery(upload, { receiver: '../henry' })),
    '400 INVALID_REQUEST': open(but(upload, { query: 'sender=anna&sender=ben' })),
    '413 FILE_TOO_LARGE': filesThat('FILE_TOO_LARGE')(upload),
    '429 RATE_LIMITED': tooFast(upload),
    '501 NOT_SUPPORTED': withoutFiles(upload),
    '503 STORE_FAILED': filesThat('STORE_FAILED')(upload),
    '503 CLOSED': closed(upload),
    '507 DISK_FULL': filesThat('DISK_FULL')(upload),
    '507 WRITE_FAILED': filesThat('WRITE_FAILED')(upload),
  },
  'GET /files/{sha256}': {
    ...whenNotAdmitted(download),
    '200': afterUpload(download),
    '206': afterUpload(withHeaders(download, { Range: 'bytes=3-5' })),
    '400 INVALID_NAME': open(withFields(download, { mailbox: '../henry' })),
    '400 INVALID_REQUEST': open(but(download, { query: 'mailbox=anna&mailbox=ben' })),
    '404 NOT_FOUND': open(download),
    '416': afterUpload(withHeaders(download, { Range: 'bytes=10-' })),
    '429 RATE_LIMITED': tooFast(download),
    '501 NOT_SUPPORTED': withoutFiles(download),
    '503 STORE_FAILED': filesThat('STORE_FAILED')(download),
    '503 CLOSED': closed(download),
  },
  'GET /inspect': {
    '403 FORBIDDEN': withoutLink(inspect),
    '200': async () => {
      const chat = await serveChat();
      await say(chat, 'jjeong', 'henry', 'hi');
      await ask(chat, status);
      chat.writeForeign('henry', 'event: news\ndata: from a shell\n\nnonsense\n\n: comment\n\ndata: ha');
      return ask(chat, inspect);
    },
    '400 INVALID_NAME': open(withFields(inspect, { mailbox: 'a/b' })),
    '400 INVALID_REQUEST': open(but(inspect, { query: 'mailbox=anna&mailbox=ben' })),
    '404 NOT_FOUND': async () =>
      ask(await serveChat({ store: failingStore('CLOSED', { inspector: undefined }) }), inspect),
    '429 RATE_LIMITED': tooFast(inspect),
    '503 STORE_FAILED': storeThat('STORE_FAILED')(inspect),
  },
  'GET /names': {
    ...whenNotAdmitted(names),
    '200': open(names),
    '400 INVALID_NAME': open(withFields(names, { name: '../henry' })),
    '400 INVALID_REQUEST': open(but(names, { query: 'name=anna&name=ben' })),
    '429 RATE_LIMITED': tooFast(names),
    '503 STORE_FAILED': storeThat('STORE_FAILED')(names),
    '503 CLOSED': closed(names),
  },
  'GET /session': {
    '200': withoutLink(whoAmI),
    '400 INVALID_NAME': open(withFields(whoAmI, { person: 'room.lobby' })),
    '400 INVALID_REQUEST': open(but(whoAmI, { query: 'person=anna&person=ben' })),
    '403 FORBIDDEN': fromElsewhere(whoAmI),
    '503 STORE_FAILED': loginDown(whoAmI),
  },
  'POST /session': {
    ...whenBodyIsUnusable(session),
    '200': async () => {
      const chat = await serveLinks();
      return ask(chat, withFields(session, { key: chat.keys.henry }));
    },
    '401 UNAUTHORIZED': withoutLink(session),
    '403 FORBIDDEN': fromElsewhere(session),
    '404 NOT_FOUND': open(session),
    '503 STORE_FAILED': async () => {
      const chat = await serveLinks();
      writeFileSync(join(chat.dir, '.access/people.json'), 'torn');
      return ask(chat, session);
    },
  },
  'GET /healthz': { '200': open(health) },
  'GET /readyz': {
    '200': open(ready),
    '503 STORE_FAILED': storeThat('STORE_FAILED')(ready),
    '503 CLOSED': closed(ready),
    '507 DISK_FULL': storeThat('DISK_FULL')(ready),
  },
};

const ALL_ANSWERS = Object.entries(PROVOKED).flatMap(([operation, answers]) =>
  Object.entries(answers).map(([answer, provoke]) => [operation, answer, provoke] as const),
);

describe('docs/openapi.yaml', () => {
  test('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();

    expect(await validator.validate(OPENAPI_TEXT)).toMatchObject({ valid: true });
    expect(validator.version).toBe('3.1');
  });

  test('has no field that is the rest of a sentence', () => {
    const fields: string[] = [];
    parse(OPENAPI_TEXT, (field, value: unknown) => (fields.push(String(field)), value));

    expect(fields.filter((field) => /\s/.test(field))).toEqual([]);
  });

  test("has the package's version", () => {
    const { version } = JSON.parse(readFileSync(join(PACKAGE_DIR, 'package.json'), 'utf8')) as { version: string };

    expect(OPENAPI_TEXT).toContain(`\n  version: ${version}\n`);
  });

  test('has every route of the server, with the methods that the server says are possible', async () => {
    const chat = await serveChat();
    const files = ['routes.ts', 'mailroom-routes.ts'].map((name) => join(PACKAGE_DIR, 'src/http', name));
    const source = files.map((path) => readFileSync(path, 'utf8')).join('');
    const routes = new Set(
      Array.from(source.matchAll(/^ +(?:route|unguarded)\('(\/[^']*)'\)/gm), ([, path]) =>
        path!.replace(/:(\w+)/, '{$1}'),
      ),
    );
    const possible = await Promise.all(
      Array.from(routes, async (path) => {
        const { headers } = await fetch(chat.url + path, { method: 'OPTIONS' });
        const methods = headers.get('allow')!.split(', ');
        return methods.filter((method) => !['HEAD', 'OPTIONS'].includes(method)).map((method) => `${method} ${path}`);
      }),
    );

    expect(api.operations.toSorted()).toEqual(possible.flat().toSorted());
  });

  test('has every problem that the server can answer, each with its status', () => {
    expect(api.codes.toSorted()).toEqual(Object.keys(PROBLEMS).toSorted());
    for (const operation of api.operations) {
      for (const [status, code] of api.answersOf(operation).map((answer) => answer.split(' '))) {
        if (code !== undefined) expect(`${PROBLEMS[code]} ${code}`).toBe(`${status} ${code}`);
      }
    }
  });

  test('has no answer that the cases below do not provoke', () => {
    expect(Object.keys(PROVOKED).toSorted()).toEqual(api.operations.toSorted());
    for (const [operation, answers] of Object.entries(PROVOKED)) {
      expect([operation, ...Object.keys(answers).toSorted()]).toEqual([
        operation,
        ...api.answersOf(operation).toSorted(),
      ]);
    }
  });

  test.each(ALL_ANSWERS)('tells what %s answers: %s', async (operation, expected, provoke) => {
    const { request, answer } = await provoke();

    const { error } = Object(answer.body) as { error?: string };
    expect([answer.status, error].filter(Boolean).join(' ')).toBe(expected);
    expect(api.complaintsAboutAnswer(operation, answer)).toEqual([]);
    if (answer.status < 300) expect(api.complaintsAboutRequest(operation, request)).toEqual([]);
  });

  test.each(api.operations)('tells how %s answers other methods', async (operation) => {
    const path = operation.split(' ')[1]!;
    const chat = await serveChat();
    const methods = api.operations.filter((each) => each.endsWith(` ${path}`)).map((each) => each.split(' ')[0]!);

    const wrong = await ask(chat, { operation: `DELETE ${path}` });
    const head = await fetch(chat.url + path, { method: 'HEAD' });
    const options = await fetch(chat.url + path, { method: 'OPTIONS' });

    expect(wrong.answer.body).toMatchObject({ error: 'METHOD_NOT_ALLOWED' });
    expect(api.complaintsAboutCommonAnswer('MethodNotAllowed', wrong.answer)).toEqual([]);
    expect(head.status).toBe(methods.includes('GET') ? 200 : 405);
    expect([options.status, options.headers.has('allow')]).toEqual([204, true]);
  });

  test('tells how an unknown path is answered', async () => {
    const { answer } = await ask(await serveChat(), { operation: 'GET /nothing' });

    expect([answer.status, answer.body]).toEqual([404, expect.objectContaining({ error: 'NOT_FOUND' })]);
    expect(api.complaintsAboutCommonAnswer('NotFound', answer)).toEqual([]);
  });
});

describe('docs/openapi.yaml tells', () => {
  test.each<[string, Ask, unknown]>([
    [
      'a form',
      but(post, {
        body: new URLSearchParams(MESSAGE).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
      MESSAGE,
    ],
    [
      'a plain text',
      but(post, {
        query: { sender: 'jjeong', receiver: 'henry', key: 'k1' },
        body: '안녕',
        headers: { 'content-type': 'text/plain' },
      }),
      '안녕',
    ],
  ])('how to send a message as %s', async (_, request, body) => {
    const { request: made, answer } = await ask(await serveChat(), request);

    expect(answer).toMatchObject({ status: 201, body: MESSAGE });
    expect(api.complaintsAboutRequest('POST /messages', { ...made, body })).toEqual([]);
  });

  test('what comes from a mailbox whose cursor is unknown', async () => {
    const chat = await serveChat();
    const { answer } = await ask(
      chat,
      but(status, { query: { f: 'henry.txt' }, headers: { Accept: 'application/json', 'Last-Event-ID': 'x' } }),
    );

    expect(answer.body).toMatchObject({ gap: true });
    expect(api.complaintsAboutAnswer('GET /status', answer)).toEqual([]);
  });

  test('the history of a room, and its pages', async () => {
    const chat = await serveChat();
    for (const text of ['one', 'two', 'three']) await say(chat, 'jjeong', 'room.lobby', text);

    const newest = await ask(chat, but(history, { query: { receiver: 'room.lobby', limit: '2' } }));
    const { before } = newest.answer.body as { before: string };
    const oldest = await ask(chat, but(history, { query: { receiver: 'room.lobby', before } }));

    expect([newest, oldest].map(({ answer }) => (answer.body as { messages: unknown[] }).messages.length)).toEqual([
      2, 1,
    ]);
    for (const { request, answer } of [newest, oldest]) {
      expect(api.complaintsAboutRequest('GET /history', request)).toEqual([]);
      expect(api.complaintsAboutAnswer('GET /history', answer)).toEqual([]);
    }
  });

  test('that a link’s key works as Authorization, for its owner alone', async () => {
    const chat = await serveLinks();

    const own = await ask(chat, withHeaders(history, bearer(chat.keys.henry)));
    const other = await ask(chat, withHeaders(history, bearer(chat.keys.jjeong)));

    expect([own.answer.status, other.answer.status]).toEqual([200, 403]);
    expect(api.complaintsAboutAnswer('GET /history', other.answer)).toEqual([]);
  });

  test('the list of mailboxes', async () => {
    const mailboxes = await ask(await serveChat(), { operation: 'GET /inspect' });

    expect(mailboxes.answer.status).toBe(200);
    expect(api.complaintsAboutAnswer('GET /inspect', mailboxes.answer)).toEqual([]);
  });

  test('what comes while a mailbox is inspected', async () => {
    const kinds = api.events('GET /inspect', 'text/event-stream');
    const chat = await serveChat();
    const inspection = await follow(`${chat.url}/inspect?mailbox=henry`, 'text/event-stream');
    await until('a look', () => inspection.seen.some(({ type }) => type === 'look'));
    await chat.stop();
    await until('the end', () => inspection.seen.some(({ type }) => type === 'bye'));

    expect(api.complaintsAboutAnswer('GET /inspect', inspection.answer)).toEqual([]);
    for (const { type, id, data } of inspection.seen) {
      expect(id).toBeUndefined();
      expect(api.complaints(kinds[type]!.schema, JSON.parse(data))).toEqual([]);
    }
  });

  test.each(['text/event-stream', 'application/x-ndjson'])('every event that can come as %s', async (type) => {
    const kinds = api.events('GET /status', type);
    const { chat, ...at } = await serveChat();
    const room = await follow(`${at.url}/status?receiver=room.lobby&person=anna`, type);
    const henry = await follow(`${at.url}/status?receiver=henry&with=anna`, type, { 'Last-Event-ID': 'unknown' });
    expect(api.complaintsAboutAnswer('GET /status', henry.answer)).toEqual([]);

    const { id: of } = await say(at, 'jjeong', 'henry', 'hi');
    for (const body of [
      { ...EDIT, of },
      { ...FROM, event: 'react', of, emoji: '👍' },
      { ...FROM, event: 'remove', of },
    ])
      await ask(at, but(post, { body }));
    const { id } = await say(at, 'henry', 'jjeong', 'hi');
    await ask(at, typing);
    await ask(at, but(status, { query: { receiver: 'jjeong' } }));
    await reportReceipt(at, { receiver: 'jjeong', sender: 'henry', read: id });
    // Each tick sends some of the heartbeats: with many streams, one of them soon gets one.
    for (let i = 0; i < 60; i += 1) await follow(`${at.url}/status?receiver=room.crowd`, type);
    const seen = (): Seen[] => [...room.seen, ...henry.seen];
    await until('a heartbeat', () => seen().some((event) => event.type === 'ping'));
    await chat.close();
    await until('the end', () => henry.seen.some((event) => event.type === 'bye'));

    expect([...new Set(seen().map((event) => event.type))].toSorted()).toEqual(Object.keys(kinds).toSorted());
    for (const event of seen()) {
      const { id: hasId, schema } = kinds[event.type]!;
      expect([event.type, event.id !== undefined]).toEqual([event.type, hasId]);
      expect(api.complaints(schema, JSON.parse(event.data))).toEqual([]);
      if (type === 'application/x-ndjson') expect(api.complaints(api.line('GET /status', type), event)).toEqual([]);
    }
    expect(room.seen).toContainEqual(
      expect.objectContaining({ type: 'presence', data: expect.stringContaining('"count":1') }),
    );
  });
});

interface Seen {
  readonly id?: string;
  readonly type: string;
  readonly data: string;
}

/** The raw text of an open stream: an EventSource does not tell which events have an id. */
async function follow(
  url: string,
  type: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ seen: readonly Seen[]; answer: Answer }> {
  const stop = new AbortController();
  afterThisTest(() => stop.abort());
  const response = await fetch(url, { headers: { Accept: type, ...headers }, signal: stop.signal });
  const seen: Seen[] = [];
  const feed = type === 'application/x-ndjson' ? lines((line) => seen.push(JSON.parse(line) as Seen)) : events(seen);
  void pump(response.body!.pipeThrough(new TextDecoderStream()), feed);
  return { seen, answer: { status: response.status, headers: response.headers, body: '' } };
}

/** Ends with the test. */
async function pump(text: AsyncIterable<string>, feed: (text: string) => void): Promise<void> {
  try {
    for await (const chunk of text) feed(chunk);
  } catch {
    // aborted: the test is over
  }
}

function events(seen: Seen[]): (text: string) => void {
  const parser = createParser({
    onEvent: ({ id, event = 'message', data }) => seen.push({ ...(id !== undefined && { id }), type: event, data }),
  });
  return (text) => parser.feed(text);
}

function lines(onLine: (line: string) => void): (text: string) => void {
  let rest = '';
  return (text) => {
    const all = (rest + text).split('\n');
    rest = all.pop()!;
    for (const line of all) onLine(line);
  };
}
