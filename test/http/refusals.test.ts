import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { listing } from '../support/directory.ts';
import { networkAddress } from '../support/machine.ts';
import { requires } from '../support/requires.ts';
import { history, say } from '../support/requests.ts';
import { serve, serveChat, type ServedChat } from '../support/serve-chat.ts';

const good = { sender: 'jjeong', receiver: 'henry', message: 'hi' };
const future = `${Date.now() + 60_000}-0`;

interface Refused {
  readonly status: number;
  readonly body: unknown;
  readonly type: string;
}

/** Makes a request to a chat in which mail waits. Expects this refusal, and that no byte on disk has changed. */
async function refuses(status: number, code: string, ask: (url: string) => PromiseLike<Refused>): Promise<void> {
  const chat = await chatWithMail();
  const before = mailIn(chat);

  const answer = await ask(chat.url);
  await chat.stop();

  expect(answer.body).toEqual({ error: code, message: expect.stringMatching(/\w/) });
  expect({ status: answer.status, type: answer.type }).toEqual({ status, type: 'application/json' });
  expect(mailIn(chat)).toEqual(before);
}

/** Everything on disk but the lock for the waiting mail, which is released a while later. */
function mailIn({ dir }: ServedChat): string[] {
  return listing(dir).filter((path) => path !== '.locks/henry.lock');
}

async function chatWithMail(): Promise<ServedChat> {
  const chat = await serveChat();
  await say(chat, 'jjeong', 'henry', 'waiting', 'used');
  chat.writeForeign('henry', 'data: from a shell\n\n');
  return chat;
}

const post = (fields: unknown) => (url: string) =>
  request(url).post('/messages').type('json').send(JSON.stringify(fields));
const postBody = (type: string, body: string) => (url: string) => request(url).post('/messages').type(type).send(body);
const get = (path: string) => (url: string) => request(url).get(path);

const BAD_NAMES: [string, string][] = [
  ['nothing', ''],
  ['a traversal', '../henry'],
  ['a place outside', '/etc/passwd'],
  ['a separator', 'a/b'],
  ['a backslash', 'a\\b'],
  ['a leading dot', '.marks'],
  ['a dot at the end', 'henry.'],
  ['NUL', 'henry\0'],
  ['LF', 'hen\nry'],
  ['CR', 'hen\rry'],
  ['CRLF', 'henry\r\n'],
  ['a line separator', 'hen\u2028ry'],
  ['a space', 'hen ry'],
  ['a zero-width space', 'hen\u200bry'],
  ['a mailbox file', 'henry.txt.txt'],
  ['a lock', 'henry.lock'],
  ['a Windows device', 'con'],
  ['65 characters', 'a'.repeat(65)],
  ['300 bytes', '한'.repeat(100)],
  ['an encoded traversal', '%2e%2e%2fhenry'],
  ['a lone surrogate', '\ud800'],
];

describe('POST /messages refuses, and writes nothing,', () => {
  test.each<[string, unknown]>([
    ['no fields', {}],
    ['a list', [good]],
    ['a text', 'hi'],
    ['a number', 1],
    ['null', null],
  ])('%s instead of a message', (_, body) =>
    refuses(
      400,
      typeof body === 'object' && body !== null && !Array.isArray(body) ? 'INVALID_MESSAGE' : 'INVALID_REQUEST',
      post(body),
    ),
  );

  test.each(['sender', 'receiver', 'message'])('a message without %s', (field) =>
    refuses(400, 'INVALID_MESSAGE', post({ ...good, [field]: undefined })),
  );

  test.each(
    ['sender', 'receiver', 'message', 'key'].flatMap((field) =>
      [5, null, true, {}, ['henry']].map((value) => [field, JSON.stringify(value), value] as const),
    ),
  )('%s being %s', (field, _, value) => refuses(400, 'INVALID_MESSAGE', post({ ...good, [field]: value })));

  test.each(BAD_NAMES.filter(([, name]) => name !== 'henry.txt.txt'))('%s as the name of the receiver', (_, name) =>
    refuses(400, 'INVALID_NAME', post({ ...good, receiver: name })),
  );

  test.each(BAD_NAMES.filter(([, name]) => name !== 'henry.txt.txt'))('%s as the name of the sender', (_, name) =>
    refuses(400, 'INVALID_NAME', post({ ...good, sender: name })),
  );

  test('a receiver that ends in .txt: only ?f= takes a file name', () =>
    refuses(400, 'INVALID_NAME', post({ ...good, receiver: 'henry.txt' })));

  test('a room as sender', () => refuses(400, 'INVALID_NAME', post({ ...good, sender: 'room.lobby' })));

  test('an empty message', () => refuses(400, 'INVALID_MESSAGE', post({ ...good, message: '' })));

  test.each(['', 'x'.repeat(129), 'a\nb', 'a\rb', 'a\0b'])('the key %j', (key) =>
    refuses(400, 'INVALID_MESSAGE', post({ ...good, key })),
  );

  test('a key in the header that differs from the one in the body', () =>
    refuses(400, 'INVALID_MESSAGE', (url) =>
      request(url)
        .post('/messages')
        .set('Idempotency-Key', 'a')
        .send({ ...good, key: 'b' }),
    ));

  test('a key that was used for another text', () =>
    refuses(409, 'KEY_REUSED', post({ ...good, message: 'other', key: 'used' })));

  test('text that is not JSON', () => refuses(400, 'INVALID_REQUEST', postBody('json', '{"sender":')));

  test('JSON that is nested too deeply to be a message', () =>
    refuses(
      400,
      'INVALID_MESSAGE',
      postBody('json', `{"sender":"a","receiver":"henry","message":${'['.repeat(20_000)}${']'.repeat(20_000)}}`),
    ));

  test.each([
    [
      'application/json',
      Buffer.from([...Buffer.from('{"sender":"jjeong","receiver":"henry","message":"'), 0xff, 0x22, 0x7d]),
    ],
    ['text/plain', Buffer.from([0x68, 0x69, 0xc3])],
    [
      'application/x-www-form-urlencoded',
      Buffer.from([...Buffer.from('sender=jjeong&receiver=henry&message='), 0xed, 0xa0, 0x80]),
    ],
  ])('bytes that are not UTF-8 (%s)', (type, bytes) =>
    refuses(400, 'INVALID_REQUEST', (url) =>
      request(url)
        .post('/messages')
        .query(type === 'text/plain' ? { sender: 'jjeong', receiver: 'henry' } : {})
        .type(type)
        .serialize((body) => body as string)
        .send(bytes),
    ),
  );

  test('a form whose percent signs are not UTF-8', () =>
    refuses(400, 'INVALID_REQUEST', postBody('form', 'sender=jjeong&receiver=henry&message=%ED%A0%80')));

  test('a form that gives a field twice', () =>
    refuses(400, 'INVALID_REQUEST', postBody('form', 'sender=jjeong&receiver=henry&receiver=mina&message=hi')));

  test.each([
    ['one character more than the limit', 'a'.repeat(4001)],
    ['one emoji more than the limit', '😀'.repeat(4001)],
  ])('%s', (_, message) => refuses(413, 'MESSAGE_TOO_LONG', post({ ...good, message })));

  test('more bytes than a message can have', () =>
    refuses(413, 'MESSAGE_TOO_LONG', post({ ...good, message: 'a'.repeat(100_000) })));

  test('more bytes than a message can have, of unknown length', () =>
    refuses(413, 'MESSAGE_TOO_LONG', async (url) => {
      const body = ReadableStream.from(Array.from({ length: 1000 }, () => new TextEncoder().encode('a'.repeat(1000))));
      const answer = await fetch(`${url}/messages`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
        duplex: 'half',
      });
      return refusal(answer);
    }));

  test.each([
    'application/xml',
    'multipart/form-data; boundary=x',
    'application/json; charset=latin1',
    'application/octet-stream',
  ])('the content type "%s"', (type) =>
    refuses(415, 'UNSUPPORTED_MEDIA_TYPE', (url) =>
      request(url)
        .post('/messages')
        .set('Content-Type', type)
        .serialize((body) => body as string)
        .send(JSON.stringify(good)),
    ),
  );

  test('a body without content type', () =>
    refuses(415, 'UNSUPPORTED_MEDIA_TYPE', async (url) => {
      const bytes = new TextEncoder().encode(JSON.stringify(good));
      return refusal(await fetch(`${url}/messages`, { method: 'POST', body: bytes }));
    }));

  test('a compressed body', () =>
    refuses(415, 'UNSUPPORTED_MEDIA_TYPE', (url) =>
      request(url).post('/messages').set('Content-Encoding', 'gzip').send(good),
    ));
});

describe('GET /messages refuses, and writes nothing,', () => {
  test.each(['sender', 'receiver', 'message'])('a message without %s', (field) => {
    const query = new URLSearchParams(Object.entries(good).filter(([name]) => name !== field));

    return refuses(400, 'INVALID_MESSAGE', get(`/messages.html?${query.toString()}`));
  });

  test.each(['sender', 'receiver', 'message', 'key'])('%s given twice', (field) =>
    refuses(400, 'INVALID_REQUEST', get(`/messages?sender=jjeong&receiver=henry&message=hi&key=k&${field}=other`)),
  );

  test('a message one character above the limit', () =>
    refuses(413, 'MESSAGE_TOO_LONG', get(`/messages?sender=jjeong&receiver=henry&message=${'a'.repeat(4001)}`)));

  test('percent signs that are not UTF-8', () =>
    refuses(400, 'INVALID_REQUEST', get('/messages?sender=jjeong&receiver=henry&message=%ED%A0%80')));

  requires('network address')('a request from another computer', async () => {
    const chat = await serveChat({ allowedHosts: ['*'] });
    const before = mailIn(chat);
    const { server } = await serve(chat.chat, '0.0.0.0');
    const { port } = server.address() as { port: number };

    const answer = await request(`http://${networkAddress()!}:${port}`).get('/messages').query(good);
    await chat.stop();

    expect(answer.status).toBe(403);
    expect(answer.body).toMatchObject({ error: 'FORBIDDEN' });
    expect(mailIn(chat)).toEqual(before);
  });
});

describe('GET /status refuses, and moves no mail,', () => {
  test('a missing mailbox', () => refuses(400, 'INVALID_NAME', get('/status')));

  test.each(BAD_NAMES)('%s as the name of the receiver', (_, name) =>
    refuses(400, 'INVALID_NAME', (url) =>
      request(url)
        .get('/status')
        .query(`receiver=${encode(name)}`),
    ),
  );

  test.each(BAD_NAMES)('%s as the name of a file', (_, name) =>
    refuses(400, 'INVALID_NAME', (url) =>
      request(url)
        .get('/status.html')
        .query(`f=${encode(name)}`),
    ),
  );

  test('both a receiver and a file', () => refuses(400, 'INVALID_REQUEST', get('/status?receiver=henry&f=henry.txt')));

  test.each([
    'receiver=henry&receiver=jjeong',
    'f=henry.txt&f=jjeong.txt',
    'receiver=henry&lastEventId=0-0&lastEventId=0-0',
    'receiver=henry&since=all&since=all',
  ])('a repeated key: %s', (query) => refuses(400, 'INVALID_REQUEST', get(`/status?${query}`)));

  test.each(['nonsense', '1', '-1', '01-0', '1-0-0', '1-0.0', '1-0%0A', '1'.repeat(400), future])(
    'lastEventId=%s',
    (id) => refuses(400, 'INVALID_CURSOR', get(`/status?receiver=henry&lastEventId=${id}`)),
  );

  test.each(['yesterday', '10 m', '10w', '-5', '1.5', '9999999999999', future])('since=%s', (since) =>
    refuses(400, 'INVALID_CURSOR', get(`/status?receiver=henry&since=${encodeURIComponent(since)}`)),
  );
});

describe('GET /history refuses, and moves no mail,', () => {
  test.each(['', 'receiver=henry', 'sender=jjeong', 'receiver=../henry&sender=jjeong', 'receiver=henry&sender=a/b'])(
    'unusable names: "%s"',
    (query) => refuses(400, 'INVALID_NAME', get(`/history?${query}`)),
  );

  test.each(['0', '-1', '501', '1.5', 'many', ''])('limit=%s', (limit) =>
    refuses(400, 'INVALID_REQUEST', get(`/history?receiver=henry&sender=jjeong&limit=${limit}`)),
  );

  test.each(['nonsense', '1-0~2-0~3-0', '../~', '1-0~x'])('before=%s', (before) =>
    refuses(400, 'INVALID_CURSOR', get(`/history?receiver=henry&sender=jjeong&before=${before}`)),
  );

  test.each(['receiver', 'sender', 'limit', 'before'])('%s given twice', (name) =>
    refuses(400, 'INVALID_REQUEST', get(`/history?receiver=henry&sender=jjeong&limit=1&before=~&${name}=1`)),
  );
});

const receipt = (fields: unknown) => (url: string) =>
  request(url).post('/receipts').type('json').send(JSON.stringify(fields));

describe('POST /receipts refuses, and writes nothing,', () => {
  test.each<[string, unknown]>([
    ['a list', []],
    ['null', null],
    ['a receipt without receiver', { delivered: '0-0' }],
    ['a number as id', { receiver: 'henry', delivered: 5 }],
    ['a list as id', { receiver: 'henry', read: ['0-0'], sender: 'jjeong' }],
  ])('%s', (_, fields) => refuses(400, 'INVALID_REQUEST', receipt(fields)));

  test.each<[string, unknown]>([
    ['a traversal', { receiver: '../henry', delivered: '0-0' }],
    ['read without saying whose', { receiver: 'henry', read: '0-0' }],
    ['read from a bad name', { receiver: 'henry', sender: 'a/b', read: '0-0' }],
    ['a room', { receiver: 'room.lobby', delivered: '0-0' }],
  ])('%s', (_, fields) => refuses(400, 'INVALID_NAME', receipt(fields)));

  test.each<[string, unknown]>([
    ['an id that is none', { receiver: 'henry', delivered: 'x' }],
    ['an id that is still to come', { receiver: 'henry', delivered: future }],
    ['a read id that is none', { receiver: 'henry', sender: 'jjeong', read: 'x' }],
    [
      'a read id that is still to come, with a good delivered one',
      { receiver: 'henry', sender: 'jjeong', delivered: '0-0', read: future },
    ],
  ])('%s', (_, fields) => refuses(400, 'INVALID_CURSOR', receipt(fields)));

  test('plain text', () =>
    refuses(400, 'INVALID_REQUEST', (url) => request(url).post('/receipts').type('text').send('henry')));

  test('a body that is too long for a receipt', () =>
    refuses(413, 'MESSAGE_TOO_LONG', receipt({ receiver: 'henry', delivered: '1'.repeat(5000) })));

  test('another content type', () =>
    refuses(415, 'UNSUPPORTED_MEDIA_TYPE', (url) =>
      request(url).post('/receipts').type('application/xml').send('<a/>'),
    ));
});

describe('POST /typing refuses', () => {
  test.each<[string, string, unknown]>([
    ['a missing sender', 'INVALID_REQUEST', { receiver: 'henry' }],
    ['a number for a name', 'INVALID_REQUEST', { sender: 1, receiver: 'henry' }],
    ['a bad name', 'INVALID_NAME', { sender: '../x', receiver: 'henry' }],
  ])('%s', (_, code, fields) =>
    refuses(400, code, (url) =>
      request(url)
        .post('/typing')
        .send(fields as object),
    ),
  );
});

describe('a path', () => {
  test.each([
    ['PUT', '/messages', 'POST, GET, HEAD, OPTIONS'],
    ['POST', '/messages.html', 'GET, HEAD, OPTIONS'],
    ['POST', '/status', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/status.html', 'GET, HEAD, OPTIONS'],
    ['DELETE', '/history', 'GET, HEAD, OPTIONS'],
    ['GET', '/receipts', 'POST, OPTIONS'],
    ['HEAD', '/receipts', 'POST, OPTIONS'],
    ['PATCH', '/healthz', 'GET, HEAD, OPTIONS'],
    ['POST', '/readyz', 'GET, HEAD, OPTIONS'],
  ])('refuses %s %s and says what is allowed', async (method, path, allow) => {
    const { url } = await serveChat();

    const answer = await fetch(`${url}${path}`, { method });

    expect(answer.status).toBe(405);
    expect(answer.headers.get('allow')).toBe(allow);
    if (method !== 'HEAD') expect(await answer.json()).toMatchObject({ error: 'METHOD_NOT_ALLOWED' });
  });

  test.each(['/nothing', '/status/', '/__proto__', '/constructor', '/%2e%2e/package.json', '/%ZZ', '/js/'])(
    'that does not exist gets 404 with JSON: %s',
    (path) => refuses(404, 'NOT_FOUND', get(path)),
  );
});

async function leavesAlone(path: string, init: RequestInit): Promise<Response> {
  const chat = await chatWithMail();
  const before = mailIn(chat);
  const answer = await fetch(`${chat.url}${path}`, init);
  await answer.text();
  await chat.stop();
  expect(mailIn(chat)).toEqual(before);
  return answer;
}

describe('no mail is moved by', () => {
  const PATHS = [
    '/status?receiver=henry',
    '/status.html?f=henry.txt',
    '/history?receiver=henry&sender=jjeong',
    '/messages?sender=jjeong&receiver=henry&message=hi',
    '/messages.html?sender=jjeong&receiver=henry&message=hi',
    '/people?receiver=henry',
  ];

  test.each(PATHS)('HEAD %s', async (path) => {
    expect((await leavesAlone(path, { method: 'HEAD' })).status).toBe(200);
  });

  test.each(PATHS)('OPTIONS %s', async (path) => {
    const answer = await leavesAlone(path, { method: 'OPTIONS' });

    expect(answer.status).toBe(204);
    expect(answer.headers.get('allow')).toContain('GET');
  });

  test.each(
    PATHS.flatMap((path) =>
      [
        ['Sec-Purpose', 'prefetch'],
        ['Sec-Purpose', 'prefetch;prerender'],
        ['Purpose', 'prefetch'],
        ['X-Moz', 'prefetch'],
      ].map(([name, value]) => [path, name!, value!] as const),
    ),
  )('GET %s with %s: %s', async (path, name, value) => {
    const answer = await leavesAlone(path, { headers: { [name]: value } });

    expect(answer.status).toBe(403);
  });

  test.each([
    ['Sec-Fetch-Site', 'cross-site'],
    ['Sec-Fetch-Site', 'same-site'],
    ['Origin', 'https://example.org'],
    ['Origin', 'null'],
  ])('another website (%s: %s)', async (name, value) => {
    for (const path of PATHS) {
      const answer = await leavesAlone(path, { headers: { [name]: value } });
      expect(answer.status).toBe(403);
    }
  });

  test('a form on another website', async () => {
    await refuses(403, 'FORBIDDEN', (url) =>
      request(url).post('/messages').set('Origin', 'https://example.org').type('form').send(good),
    );
  });

  test('a foreign name that points at this computer', async () => {
    await refuses(403, 'FORBIDDEN', (url) =>
      request(url).get('/status?receiver=henry').set('Host', 'evil.example:2012'),
    );
  });
});

describe('mail in a mailbox for which requests were refused', () => {
  test('is still there for a valid request', async () => {
    const chat = await chatWithMail();
    await request(chat.url).get('/status?receiver=henry&lastEventId=nonsense');

    const { messages } = await history(chat, 'henry', 'jjeong');

    expect(messages.map(({ message }) => message)).toEqual(['waiting', 'from a shell']);
  });
});

describe('too many messages', () => {
  test('in one second get 429 with the time to wait, while other people are served', async () => {
    const chat = await serveChat({ sendRate: 3 });
    const send = (sender: string): Promise<request.Response> =>
      request(chat.url)
        .post('/messages')
        .send({ ...good, sender })
        .then((answer) => answer);

    const answers = await Promise.all(Array.from({ length: 8 }, () => send('jjeong')));
    const other = await send('mina');

    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers, body } of refused) {
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(body).toMatchObject({ error: 'RATE_LIMITED' });
    }
    expect(other.status).toBe(201);
  });
});

async function refusal(answer: Response): Promise<Refused> {
  const type = answer.headers.get('content-type')?.split(';')[0] ?? '';
  return { status: answer.status, type, body: await answer.json() };
}

function encode(name: string): string {
  return /\p{Surrogate}/u.test(name) ? '%ED%A0%80' : encodeURIComponent(name);
}
