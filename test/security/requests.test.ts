import express from 'express';
import { describe, expect, test } from '@jest/globals';
import { Invitations } from '../../src/access/invitations.ts';
import { personName } from '../../src/words/mailbox-name.ts';
import { listing } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { say } from '../support/requests.ts';
import { serve, serveChat, type ServedChat } from '../support/serve-chat.ts';
import { raw, rawRequest, statusesIn } from './kit/raw.ts';

const WAITING = 'data: waiting for henry\n\n';
const MAIL = '/status?receiver=henry';
const SEND = '/messages?sender=henry&receiver=jjeong&message=forged';

async function chatWithMail(): Promise<ServedChat> {
  const chat = await serveChat({ allowedHosts: ['chat.example'] });
  chat.writeForeign('henry', WAITING);
  return chat;
}

/** Makes requests one after the other. Expects these statuses, and that no byte on disk has changed. */
async function answersAndDoesNothing(
  requests: readonly (string | Buffer)[],
  statuses: readonly number[],
): Promise<void> {
  const chat = await chatWithMail();
  const before = listing(chat.dir);

  const answers: string[] = [];
  for (const request of requests) answers.push(await raw(chat, request));

  expect(answers.map((answer) => statusesIn(answer)[0])).toEqual(statuses);
  for (const answer of answers) expect(answer).not.toMatch(/waiting for henry|access-control/i);
  expect(chat.mailboxText('henry')).toBe(WAITING);
  expect(listing(chat.dir)).toEqual(before);
}

const toEverything = (...headers: string[]): string[] => [
  rawRequest(`GET ${MAIL}`, headers),
  rawRequest('GET /status.html?f=henry.txt', headers),
  rawRequest(`GET ${SEND}`, headers),
  rawRequest('GET /history?receiver=henry&sender=jjeong', headers),
  rawRequest('GET /people?receiver=henry', headers),
  rawRequest(`POST ${SEND}`, [...headers, 'Content-Type: text/plain', 'Content-Length: 6'], 'forged'),
  rawRequest(
    'POST /typing',
    [...headers, 'Content-Type: application/json', 'Content-Length: 38'],
    '{"sender":"henry","receiver":"jjeong"}',
  ),
];
const all = (status: number): number[] => Array.from({ length: 7 }, () => status);

describe('a request is refused before any mail moves when', () => {
  test.each([
    'evil.test',
    'evil.test:2012',
    'EVIL.TEST',
    'localhost.evil.test',
    '127.0.0.1.evil.test',
    'localhost@evil.test',

    'localhost.',
    'localhost.:2012',
    '0.0.0.0',
    '[::]',
    '127.1',
    '2130706433',
    '0x7f.1',
    '[::ffff:7f00:1]',
    'localhost:1:2',
    'xn--localhost',
    'notlocalhost',
    '.localhost.',
    '192.168.0.1',
    '[fe80::1]',
    '',
    '[::1].evil.test',
    '*',
    'chat.example.evil.test',
    'evil-chat.example',
    'chat.example.',
    'evil.chat.example',
  ])('its Host is "%s"', (host) => answersAndDoesNothing(toEverything(`Host: ${host}`), all(403)));

  test('it has no Host', async () => {
    await answersAndDoesNothing(toEverything(), all(400));
    await answersAndDoesNothing([`GET ${MAIL} HTTP/1.0\r\n\r\n`, `GET ${SEND} HTTP/1.0\r\n\r\n`], [403, 403]);
  });

  test.each([
    'Sec-Fetch-Site: cross-site',
    'Sec-Fetch-Site: same-site',
    'Sec-Fetch-Site: anything',
    'Sec-Fetch-Site:',
    'Origin: http://evil.test',
    'Origin: null',
    'Origin:',
    'Origin: localhost',
    'Origin: file://',
    'Origin: http://localhost.evil.test',
    'Origin: http://localhost:1',
    'Origin: http://127.0.0.1',
    'Origin: http://chat.example:81',
    'Origin: http://evil.chat.example',
    'Purpose: prefetch',
    'Sec-Purpose: prefetch',
    'Sec-Purpose: prefetch;prerender',
    'X-Moz: prefetch',
  ])('it says "%s"', (header) => answersAndDoesNothing(toEverything('Host: localhost', header), all(403)));

  test('it is a POST that did not come from a page', () =>
    answersAndDoesNothing(toEverything('Host: localhost', 'Sec-Fetch-Site: none').slice(-2), [403, 403]));
});

test.each([
  'localhost',
  'LOCALHOST:2012',
  '127.0.0.1',
  '127.8.9.10:80',
  '[::1]:2012',
  'henry.localhost',
  'chat.example',
  'Chat.Example:81',
])('a request to %s is answered', async (host) => {
  const chat = await chatWithMail();

  expect(statusesIn(await raw(chat, rawRequest('GET /people?receiver=henry', [`Host: ${host}`])))).toEqual([200]);
});

test('A host may be allowed in capitals', async () => {
  const { url } = await serveChat({ allowedHosts: ['Chat.Example'] });

  const answer = await raw({ url }, rawRequest('GET /people?receiver=henry', ['Host: chat.example']));

  expect(statusesIn(answer)).toEqual([200]);
});

test.each(['open', 'links'] as const)(
  '%s: behind a proxy that changes the Host, its own pages may send',
  async (access) => {
    const chat = await serveChat({ access, allowedHosts: ['chat.example'] });
    const key = new Invitations(chat.dir).invite(personName('henry'));
    const sendFrom = async (origin: string): Promise<number> => {
      const headers = { Origin: origin, Authorization: `Bearer ${key}`, 'Content-Type': 'text/plain' };
      return (await fetch(`${chat.url}${SEND}`, { method: 'POST', headers, body: 'hi' })).status;
    };

    expect(await sendFrom('https://chat.example')).toBe(201);
    expect(await sendFrom('http://chat.example')).toBe(201);
    expect(await sendFrom('https://evil.test')).toBe(403);
  },
);

test.each(['HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE', 'PATCH', 'PROPFIND', 'PURGE', 'QUERY'])(
  '%s moves and writes nothing',
  async (method) => {
    const chat = await chatWithMail();
    const before = listing(chat.dir);

    const answers = [];
    for (const path of [
      MAIL,
      '/status.html?f=henry.txt',
      SEND,
      '/history?receiver=henry&sender=jjeong',
      '/people?receiver=henry',
      '/receipts',
      '/session',
    ]) {
      answers.push(statusesIn(await raw(chat, rawRequest(`${method} ${path}`, ['Host: localhost']))));
    }

    for (const statuses of answers) expect([[200], [204], [400], [405]]).toContainEqual(statuses);
    expect(listing(chat.dir)).toEqual(before);
  },
);

describe('another spelling of an endpoint’s address leads nowhere:', () => {
  const spellings = [
    '//status?receiver=henry',
    '/status/?receiver=henry',
    '/Status?receiver=henry',
    '/%73tatus?receiver=henry',

    '/status%3Freceiver=henry',
    '/status;?receiver=henry',
    '/./status?receiver=henry',
    '/x/../status?receiver=henry',

    '/x/..%2fstatus?receiver=henry',
    '/status%00?receiver=henry',
    '/status%2f?receiver=henry',
    '/\\status?receiver=henry',
    'http://localhost/status?receiver=henry',
    'http://evil.test/status?receiver=henry',
    '/status#?receiver=henry',
    '/status.txt?f=henry.txt',
    '/messages.html/..;/status?receiver=henry',
    '*',
    'status?receiver=henry',
  ];

  test.each(spellings)('%s', (target) =>
    answersAndDoesNothing(
      [rawRequest(`GET ${target}`, ['Host: localhost'])],
      [expect.any(Number) as unknown as number],
    ),
  );

  test.each([
    '/../package.json',
    '/..%2fpackage.json',
    '/%2e%2e/package.json',
    '/js/../../package.json',
    '/..\\package.json',

    '/%2e%2e%5cpackage.json',
    '/.%00./package.json',
    '//package.json',
    '/js/%252e%252e/%252e%252e/package.json',
    '/file:///etc/passwd',
  ])('%s is not a page', async (target) => {
    const chat = await chatWithMail();

    const answer = await raw(chat, rawRequest(`GET ${target}`, ['Host: localhost']));

    expect(statusesIn(answer)[0]).toBeGreaterThanOrEqual(300);
    expect(answer).not.toMatch(/"dependencies"|root:/);
    expect(answer).not.toMatch(/^location: (?:\/\/|https?:)/im);
  });

  test.each([
    '//evil.test',
    '//evil.test/%2e%2e',
    '//evil.test/js',
    '/js',
    '//js',
    '/%5cevil.test/js',
    '/chat?//evil.test',
    '//chat',
  ])('and %s sends nobody to another site', async (target) => {
    const { chat } = await chatWithMail();
    const { url } = await serve(express().use('/chat', chat).use('/', chat));

    const answer = await raw({ url }, rawRequest(`GET ${target}`, ['Host: localhost']));

    const location = /^location: (.*)\r$/im.exec(answer)?.[1] ?? '';
    expect(new URL(location, 'http://localhost/').host).toBe('localhost');
  });

  test('and a mount whose name the visitor chooses sends nobody to another site', async () => {
    const { chat } = await chatWithMail();
    const { url } = await serve(express().use('/:room', chat));

    const answer = await raw({ url }, rawRequest('GET /https:evil.test', ['Host: localhost']));

    const location = /^location: (.*)\r$/im.exec(answer)?.[1] ?? 'none';
    expect(new URL(location, 'http://localhost/https:evil.test').origin).toBe('http://localhost');
  });
});

const post = (body: string, ...headers: string[]): string =>
  `POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n${headers.map((line) => `${line}\r\n`).join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const message = (text: string): string => JSON.stringify({ sender: 'henry', receiver: 'jjeong', message: text });

describe('on one connection', () => {
  test('consecutive requests are judged independently', async () => {
    const chat = await chatWithMail();

    const answers = await raw(
      chat,
      post(message('one')) +
        post(message('forged'), 'Origin: http://evil.test') +
        post(message('two'), 'Connection: close'),
    );

    expect(statusesIn(answers)).toEqual([201, 403, 201]);
    expect(chat.mailboxText('jjeong')).not.toContain('forged');
  });

  test('a request hidden in the body of another one is not carried out', async () => {
    const chat = await chatWithMail();
    const hidden = post(message('smuggled'));
    const both = `POST /messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: text/plain\r\n`;

    const answers = [
      await raw(chat, `${both}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`),
      await raw(chat, `${both}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${hidden}`),
      await raw(chat, `${both}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello${hidden}`),
      await raw(chat, `${both}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${hidden}`),
      await raw(chat, `${both}Content-Length: ${hidden.length}\r\n\r\n${hidden}`),
      await raw(
        chat,
        `GET ${MAIL} HTTP/1.1\r\nHost: localhost\r\nX: a\nOrigin: x\r\n folded\r\nConnection: close\r\n\r\n`,
      ),
    ];

    expect(answers.map((answer) => statusesIn(answer)[0])).toEqual([400, 400, 400, 400, 400, expect.any(Number)]);
    expect(listing(chat.dir).join()).not.toContain('jjeong');
  });

  test('a client that waits for 100 Continue gets 413 if it announces too much', async () => {
    const chat = await chatWithMail();

    const answer = await raw(
      chat,
      `POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10000000000\r\nExpect: 100-continue\r\n\r\n`,
    );

    expect(statusesIn(answer).at(-1)).toBe(413);
  });

  test('a query of a thousand parameters is answered like any other', async () => {
    const chat = await chatWithMail();
    const many = Array.from({ length: 1000 }, (_, i) => `a${i}=${i % 10}`).join('&');

    const answers = [
      await raw(chat, rawRequest(`GET /people?receiver=henry&${many}`, ['Host: localhost'])),
      await raw(chat, rawRequest(`GET /people?receiver=henry&${many}&receiver=jjeong`, ['Host: localhost'])),
      await raw(chat, rawRequest(`GET /people?receiver=henry&${many.repeat(4)}`, ['Host: localhost'])),
    ];

    expect(answers.map((answer) => statusesIn(answer)[0])).toEqual([200, 400, 431]);
  });

  test('JSON with a field twice makes one message, from one of the two', async () => {
    const chat = await chatWithMail();

    const answer = await raw(
      chat,
      post('{"sender":"mina","sender":"henry","receiver":"jjeong","message":"a","message":"b"}', 'Connection: close'),
    );

    expect(statusesIn(answer)).toEqual([201]);
    expect(chat.mailboxText('jjeong').match(/^data:/gm)).toHaveLength(1);
  });
});

test('a cursor from a client cannot forge an event', async () => {
  const chat = await chatWithMail();
  const forged = '0-0\u0085data: forged\u0000';
  const header = Buffer.from('"}\\n\\ndata: forged é event: bye'.repeat(3), 'latin1').toString('latin1');

  for (const lastEventId of [header, '1e9-0', '99999999999999999999-0', '0-0.', forged.replaceAll(/[^ -~]/g, ' ')]) {
    const page = await listen(`${chat.url}/status?receiver=henry`, { lastEventId });
    const gap = await page.next();
    expect({ type: gap.type, after: (JSON.parse(gap.data) as { after: string }).after.trim() }).toEqual({
      type: 'gap',
      after: lastEventId.trim(),
    });
    await say(chat, 'jjeong', 'henry', `after ${lastEventId}`);
    const heard = await page.nextUpTo(`after ${lastEventId}`);
    expect(heard.filter(({ type, data }) => type === 'bye' || data === 'forged')).toEqual([]);
    page.close();
  }
});
