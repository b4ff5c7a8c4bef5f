import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { MailboxChatOptions } from '../../src/index.ts';
import { listing } from '../support/directory.ts';
import { networkAddress } from '../support/machine.ts';
import { requires } from '../support/requires.ts';
import { serve, serveChat, type ServedChat } from '../support/serve-chat.ts';
import { bearer, enter, serveLinks, type LinkChat } from './kit/links.ts';
import { raw, rawRequest, statusesIn } from './kit/raw.ts';
import { ENDPOINTS, HENRYS, ask } from './kit/requests-of-all-kinds.ts';

const WAITING = 'data: for henry only\n\n';
const LOOK = '/inspect?mailbox=henry';
const ALL = [LOOK, '/inspect'];
const STREAM = { Accept: 'text/event-stream' };

const onNetwork = requires('network address');

/** Asks in every way. Checks that no secret was told and nothing moved, then resolves to the statuses. */
async function statusesOf(
  { url, dir }: Pick<ServedChat, 'url' | 'dir'>,
  headers: Readonly<Record<string, string>> = {},
): Promise<number[]> {
  const before = listing(dir);
  const answers = [];
  for (const path of ALL) answers.push(await fetch(url + path, { headers }));
  answers.push(await fetch(url + LOOK, { headers: { ...headers, ...STREAM } }));
  for (const answer of answers) {
    if (answer.ok) await answer.body?.cancel();
    else expect(await answer.text()).not.toMatch(/henry|Zm9yIGhlbnJ5|data:/);
  }
  expect(listing(dir)).toEqual(before);
  return [...new Set(answers.map(({ status }) => status))];
}

async function openChat(options: MailboxChatOptions = {}): Promise<ServedChat> {
  const chat = await serveChat(options);
  chat.writeForeign('henry', WAITING);
  return chat;
}

async function linkChat(options: MailboxChatOptions = {}): Promise<LinkChat> {
  const chat = await serveLinks(options);
  chat.writeForeign('henry', WAITING);
  return chat;
}

describe('in open mode, the mailboxes may be inspected', () => {
  test('from this computer', async () => {
    expect(await statusesOf(await openChat())).toEqual([200]);
  });

  const everyName = { allowedHosts: ['*'] };
  onNetwork('from nowhere else, however many names the chat has, and although everyone may read all mail', async () => {
    for (const allowedHosts of [[networkAddress()!], everyName.allowedHosts]) {
      const chat = await openChat({ allowedHosts });
      const { server } = await serve(chat.chat, '0.0.0.0');
      const url = `http://${networkAddress()!}:${(server.address() as AddressInfo).port}`;

      expect((await fetch(`${url}/people?receiver=mina`)).status).toBe(200);
      expect(await statusesOf({ url, dir: chat.dir })).toEqual([403]);
    }
  });

  test.each(['evil.test', 'chat.example', '192.168.0.1', 'localhost.'])(
    'only under the names of this computer: not as %s, to which a page could point',
    async (host) => {
      const chat = await openChat(everyName);

      const answers = [];
      for (const path of ALL) answers.push(await raw(chat, rawRequest(`GET ${path}`, [`Host: ${host}`])));

      expect(answers.flatMap(statusesIn)).toEqual([403, 403]);
      expect(answers.join('')).not.toMatch(/henry/);
    },
  );

  test.each([
    { 'X-Forwarded-For': '203.0.113.7' },
    { 'X-Forwarded-For': '127.0.0.1' },
    { Forwarded: 'for=203.0.113.7' },
    { 'X-Real-IP': '203.0.113.7' },
    { Via: '1.1 proxy' },
  ])('by nobody through a proxy on this computer: %p', async (headers) => {
    expect(await statusesOf(await openChat(), headers as Record<string, string>)).toEqual([403]);
  });

  test('by nobody behind a proxy of ours, through which everybody seems to be on this computer', async () => {
    expect(await statusesOf(await openChat({ trustProxy: true }))).toEqual([403]);
  });

  test.each([
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
    { Origin: 'http://evil.test' },
    { Origin: 'null' },
    { 'Sec-Purpose': 'prefetch' },
  ])('by no other website: %p', async (headers) => {
    expect(await statusesOf(await openChat(), headers as Record<string, string>)).toEqual([403]);
  });
});

describe('with links, the mailboxes may be inspected', () => {
  test('by nobody without a valid link, not even on this computer', async () => {
    const chat = await linkChat();

    expect(await statusesOf(chat)).toEqual([403]);
    expect(await statusesOf(chat, bearer('A'.repeat(32)))).toEqual([403]);
  });

  test('by nobody with a link, not even their own mailbox', async () => {
    const chat = await linkChat();
    const { cookie } = await enter(chat, chat.keys.henry);

    expect(await statusesOf(chat, bearer(chat.keys.henry))).toEqual([403]);
    expect(await statusesOf(chat, { Cookie: cookie })).toEqual([403]);
  });

  test('by nobody with the administrator’s link of an earlier version, which no longer opens anything', async () => {
    const chat = await linkChat();
    const key = 'A'.repeat(32);
    const invited = { mina: { key: createHash('sha256').update(key).digest('hex'), since: new Date().toISOString() } };
    writeFileSync(join(chat.dir, '.access/administrators.json'), JSON.stringify(invited));

    expect(await statusesOf(chat, bearer(key))).toEqual([403]);
    await expect(enter(chat, key)).rejects.toThrow('401');
    for (const endpoint of ENDPOINTS) {
      const { status } = await ask(chat.url, endpoint, { ...endpoint.rest, ...HENRYS[endpoint.path]! }, bearer(key));
      expect({ ...endpoint, status }).toEqual({ ...endpoint, status: 401 });
    }
  });

  test('by those whom the application allows, until it no longer does: then open streams end within seconds', async () => {
    const inspectors = new Set(['mina']);
    const chat = await linkChat({ mayInspect: (req) => inspectors.has(String(req.headers['x-name'])) });
    const headers = { 'X-Name': 'mina' };
    expect(await statusesOf(chat, headers)).toEqual([200]);
    const response = await fetch(chat.url + LOOK, { headers: { ...headers, ...STREAM } });

    inspectors.delete('mina');

    expect(await response.text()).toMatch(/event: bye\ndata: \{"reason":"revoked"/);
    expect(await statusesOf(chat, headers)).toEqual([403]);
  });
});

describe('with a login, the mailboxes may be inspected', () => {
  const identify = (): string => 'henry';

  test('by nobody, unless the application says who', async () => {
    expect(await statusesOf(await openChat({ identify }))).toEqual([403]);
  });

  test('by those whom the application allows', async () => {
    const chat = await openChat({
      identify,
      mayInspect: (req) => Promise.resolve(req.headers['x-role'] === 'administrator'),
    });

    expect(await statusesOf(chat, { 'X-Role': 'user' })).toEqual([403]);
    expect(await statusesOf(chat, { 'X-Role': 'administrator' })).toEqual([200]);
  });
});

test.each(['no', 1, {}, null, undefined])(
  'An application allows an inspection with true only, not with %p',
  async (answer) => {
    const mayInspect = (() => answer) as unknown as () => boolean;

    expect(await statusesOf(await openChat({ mayInspect }))).toEqual([403]);
  },
);

test('An application can forbid inspections, even on this computer', async () => {
  expect(await statusesOf(await openChat({ mayInspect: () => false }))).toEqual([403]);
});

test('HEAD, OPTIONS and other methods show and move nothing', async () => {
  const chat = await openChat();
  const before = listing(chat.dir);

  const answers = [];
  for (const method of ['HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE']) {
    answers.push(await fetch(chat.url + LOOK, { method }));
  }

  expect(answers.map(({ status }) => status)).toEqual([200, 204, 405, 405, 405]);
  for (const answer of answers) expect(await answer.text()).not.toContain('henry');
  expect(listing(chat.dir)).toEqual(before);
});

test('The answer to an inspection is never cached, sniffed or shared', async () => {
  const chat = await openChat();

  for (const headers of [{}, STREAM]) {
    const answer = await fetch(chat.url + LOOK, { headers });
    await answer.body?.cancel();
    expect(answer.headers.get('cache-control')).toMatch(/no-(?:store|cache)/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([]);
  }
});
