import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import express from 'express';
import { describe, expect, test } from '@jest/globals';
import { Invitations } from '../../src/access/invitations.ts';
import { mailboxChat } from '../../src/index.ts';
import { silent } from '../../src/words/logger.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { listing, temporaryDirectory } from '../support/directory.ts';
import { serve, serveChat } from '../support/serve-chat.ts';
import { inTime, until } from '../support/until.ts';
import { bearer, enter, serveLinks, type LinkChat } from './kit/links.ts';
import { ENDPOINTS, HENRYS, ask } from './kit/requests-of-all-kinds.ts';

const endpoints = ENDPOINTS.map((endpoint) => ({
  ...endpoint,
  name: `${endpoint.method} ${endpoint.path}`,
  fields: { ...endpoint.rest, ...HENRYS[endpoint.path] },
}));

async function withMailForHenry(): Promise<LinkChat> {
  const chat = await serveLinks();
  chat.writeForeign('henry', 'data: for henry only\n\n');
  return chat;
}

const PROXIED = { 'X-Forwarded-Proto': 'https' };

/** The whole text of a stream, until its end. */
async function restOf(response: Response): Promise<string> {
  return inTime('the end of a stream', response.text(), 5000);
}

describe('with links,', () => {
  describe.each(endpoints)('$name', ({ fields, ...endpoint }) => {
    test.each<[string, (chat: LinkChat) => Promise<Record<string, string>>]>([
      ['nothing', async () => ({})],
      ['a wrong key', async () => bearer('A'.repeat(32))],
      ['an empty key', async () => ({ Authorization: 'Bearer ' })],
      ['the hash of the key', async ({ dir }) => bearer(hashIn(dir))],
      ['a login by password', async ({ keys }) => ({ Authorization: `Basic ${btoa(`henry:${keys.henry}`)}` })],
      [
        'the key in a cookie of another name',
        async ({ keys }) => ({ Cookie: `key=${keys.henry}; henry=${keys.henry}` }),
      ],
      ['the key as another header', async ({ keys }) => ({ 'X-Key': keys.henry, key: keys.henry })],
    ])('answers 401 to a client that has %s, and does nothing', async (_, credential) => {
      const chat = await withMailForHenry();
      const before = listing(chat.dir);

      const { status, text } = await ask(chat.url, endpoint, fields, await credential(chat));
      await chat.stop();

      expect(status).toBe(401);
      expect(text).not.toContain('for henry only');
      expect(listing(chat.dir)).toEqual(before);
    });

    test.each<[string, (chat: LinkChat) => Promise<Record<string, string>>]>([
      ['a key', async ({ keys }) => bearer(keys.jjeong)],
      ['a cookie', async (chat) => ({ Cookie: (await enter(chat, chat.keys.jjeong)).cookie })],
      [
        'a key in the cookie of henry’s',
        async (chat) => {
          const name = (await enter(chat, chat.keys.henry)).cookie.split('=')[0]!;
          return { Cookie: `${name}=${chat.keys.jjeong}` };
        },
      ],
    ])('answers 403 to jjeong, who has %s, and does nothing', async (_, credential) => {
      const chat = await withMailForHenry();
      const headers = await credential(chat);
      const before = listing(chat.dir);

      const { status, text } = await ask(chat.url, endpoint, fields, headers);
      await chat.stop();

      expect(status).toBe(403);
      expect(text).not.toContain('for henry only');
      expect(listing(chat.dir)).toEqual(before);
    });

    test('answers 401 to a key in the query or the body', async () => {
      const chat = await withMailForHenry();
      const key = chat.keys.henry;
      const inBody = { ...fields, key, access_token: key };
      const path = endpoint.method === 'POST' ? `${endpoint.path}?key=${key}&access_token=${key}` : endpoint.path;

      const { status } = await ask(chat.url, { ...endpoint, path }, inBody);

      expect(status).toBe(401);
    });

    test.each<[string, (chat: LinkChat) => Promise<Record<string, string>>]>([
      ['his key', async ({ keys }) => bearer(keys.henry)],
      ['his cookie', async (chat) => ({ Cookie: (await enter(chat, chat.keys.henry)).cookie })],
      [
        'his cookie among cookies that another site has set',
        async (chat) => {
          const { cookie } = await enter(chat, chat.keys.henry);
          const tossed = `${cookie.split('=')[0]}=${'x'.repeat(32)}`;
          return { Cookie: `${tossed}; ${cookie}; ${tossed}; __proto__=1; ${cookie.split('=')[0]}` };
        },
      ],
    ])('lets henry in with %s', async (_, credential) => {
      const chat = await withMailForHenry();

      const { status } = await ask(chat.url, endpoint, fields, await credential(chat));

      expect([200, 201, 204]).toContain(status);
    });
  });
});

function hashIn(dir: string): string {
  const invited = JSON.parse(readFileSync(join(dir, '.access', 'people.json'), 'utf8')) as { henry: { key: string } };
  return invited.henry.key;
}

describe('in the list of the invited,', () => {
  const peopleFile = (dir: string): string => join(dir, '.access', 'people.json');
  const statusFor = async ({ url, keys }: LinkChat): Promise<number> => {
    const { status } = await fetch(`${url}/history?receiver=henry&sender=mina`, { headers: bearer(keys.henry) });
    return status;
  };

  test.each<[string, unknown]>([
    ['a b', { key: 'x', since: 'y' }],
    ['mina', { key: 5 }],
    ['mina', null],
  ])('an unreadable entry affects nobody else: %s, %j', async (name, invitation) => {
    const chat = await serveLinks();
    const invited = JSON.parse(readFileSync(peopleFile(chat.dir), 'utf8')) as object;
    writeFileSync(peopleFile(chat.dir), JSON.stringify({ ...invited, [name]: invitation }));

    expect(await statusFor(chat)).toBe(200);
    expect(new Invitations(chat.dir).people()).toEqual(['henry', 'jjeong']);
  });

  test('a FIFO in its place lets nobody in, and stops no server', async () => {
    const chat = await serveLinks();
    rmSync(peopleFile(chat.dir));
    execFileSync('mkfifo', [peopleFile(chat.dir)]);

    expect(await statusFor(chat)).toBe(401);
  });
});

test.each([
  [
    'has a link',
    async () => {
      const chat = await serveLinks();
      return { chat, headers: bearer(chat.keys.henry) };
    },
  ],
  ['has a login', async () => ({ chat: await serveChat({ identify: () => 'henry' }), headers: {} })],
  ['asks through a proxy', async () => ({ chat: await serveChat(), headers: { Via: '1.1 proxy' } })],
])('tells nobody who %s where the files are', async (_, prepare) => {
  const { chat, headers } = await prepare();

  const { status, text } = await ask(chat.url, { method: 'GET', path: '/people' }, { receiver: 'henry' }, headers);

  expect(status).toBe(200);
  expect(text).not.toContain(chat.dir);
});

test('an error tells nobody where the files are', async () => {
  const chat = await serveChat();
  const lock = join(chat.dir, '.locks', 'henry.lock');
  mkdirSync(lock, { recursive: true });
  const holding = setInterval(() => utimesSync(lock, new Date(), new Date()), 500);
  afterThisTest(() => clearInterval(holding));

  const { status, text } = await ask(
    chat.url,
    { method: 'POST', path: '/messages' },
    { sender: 'jjeong', receiver: 'henry', message: 'hi' },
  );

  expect({ status, text }).toEqual({ status: 503, text: expect.stringContaining('henry.lock') });
  expect(text).not.toContain(chat.dir);
});

describe('the key of a link', () => {
  test('is exchanged for a cookie that scripts cannot read and other sites do not send', async () => {
    const chat = await serveLinks();

    const { setCookie, person } = await enter(chat, chat.keys.henry);

    expect(person).toBe('henry');
    const [pair, ...attributes] = setCookie.split('; ');
    expect(pair).toMatch(/^mc_\d+_[0-9a-f]{16}=[\w-]{32}$/);
    expect(attributes.toSorted()).toEqual(['HttpOnly', 'Max-Age=31536000', 'Path=/', 'SameSite=Strict']);
  });

  test('is exchanged for a __Host- cookie behind a proxy of ours that speaks https', async () => {
    const chat = await serveLinks({ trustProxy: true });

    const { setCookie } = await enter(chat, chat.keys.henry, PROXIED);

    expect(setCookie).toMatch(/^__Host-mc_/);
    expect(setCookie.split('; ')).toEqual(expect.arrayContaining(['Secure', 'Path=/', 'HttpOnly', 'SameSite=Strict']));
    expect(setCookie).not.toMatch(/domain/i);
  });

  test('is exchanged for a __Secure- cookie for the mount only, under a path', async () => {
    const { chat, keys } = await serveLinks({ trustProxy: true });
    const { url } = await serve(express().use('/chat', chat));

    const { setCookie } = await enter({ url: `${url}/chat` }, keys.henry, PROXIED);

    expect(setCookie).toMatch(/^__Secure-mc_/);
    expect(setCookie.split('; ')).toEqual(expect.arrayContaining(['Secure', 'Path=/chat/', 'HttpOnly']));
  });

  test.each([
    ['/chat', {}, '/chat/'],
    ['/my/chat', PROXIED, '/my/chat/'],
    ['/chat; Domain=evil.test', {}, '/'],
    ['//evil.test', {}, '/'],
    ['chat', {}, '/'],
  ])('is exchanged for a cookie for the path that the proxy removed: %s', async (prefix, proxied, path) => {
    const chat = await serveLinks({ trustProxy: true });

    const { setCookie, cookie } = await enter(chat, chat.keys.henry, { 'X-Forwarded-Prefix': prefix, ...proxied });
    const headers = { Cookie: cookie, 'X-Forwarded-Prefix': prefix, ...proxied };
    const people = await ask(chat.url, { method: 'GET', path: '/people' }, { receiver: 'henry' }, headers);

    expect(setCookie.split('; ')).toContain(`Path=${path}`);
    expect(setCookie).not.toMatch(/domain/i);
    expect(people.status).toBe(200);
  });

  test('is exchanged for no cookie under a path that would add attributes to the cookie', async () => {
    const { chat, keys } = await serveLinks();
    const { url } = await serve(express().use('/t/:room', chat));
    const trade = (path: string): Promise<Response> =>
      fetch(`${url}${path}/session`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ key: keys.henry }),
      });

    const refused = await trade('/t/x;Domain=example.org');
    const plain = await trade('/t/x');

    expect(refused.status).toBe(400);
    expect(refused.headers.get('set-cookie')).toBeNull();
    expect(plain.headers.get('set-cookie')!.split('; ')).toContain('Path=/t/x/');
  });

  test('is exchanged for a cookie for the whole site if anybody could have named the path', async () => {
    const chat = await serveLinks();

    const { setCookie } = await enter(chat, chat.keys.henry, { 'X-Forwarded-Prefix': '/chat' });

    expect(setCookie.split('; ')).toContain('Path=/');
  });

  test('is exchanged for a cookie that is not Secure if anybody could have claimed https', async () => {
    const chat = await serveLinks();

    const { setCookie } = await enter(chat, chat.keys.henry, PROXIED);

    expect(setCookie).not.toMatch(/secure|__Host/i);
  });

  test('in a cookie from plain http is not valid on https', async () => {
    const chat = await serveLinks({ trustProxy: true });
    const { cookie } = await enter(chat, chat.keys.henry);

    const { status } = await ask(
      chat.url,
      { method: 'GET', path: '/people' },
      { receiver: 'henry' },
      { Cookie: cookie, ...PROXIED },
    );

    expect(status).toBe(403);
  });

  test('lets nobody in who guesses, and answers the same, whoever is invited', async () => {
    const chat = await serveLinks();
    const guesses = [
      'x',
      'A'.repeat(32),
      hashIn(chat.dir),
      chat.keys.henry.slice(0, -1),
      `${chat.keys.henry} `,
      'henry',
    ];

    const answers = await Promise.all(
      guesses.map((key) => ask(chat.url, { method: 'POST', path: '/session' }, { key })),
    );

    expect(answers.map(({ status }) => status)).toEqual(guesses.map(() => 401));
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.every(({ headers }) => headers.get('set-cookie') === null)).toBe(true);
  });

  test('is in no file: the directory has only its hash, which only the owner can read', async () => {
    const chat = await serveLinks();
    await enter(chat, chat.keys.henry);
    await ask(chat.url, ENDPOINTS[0]!, { sender: 'henry', receiver: 'jjeong', message: 'hi' }, bearer(chat.keys.henry));

    const files = readdirSync(chat.dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const contents = files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n');

    expect(files.map(({ name }) => name)).toContain('people.json');
    for (const key of Object.values(chat.keys)) expect(contents).not.toContain(key);
  });

  test('ends with a new invitation, both in a cookie and in a header', async () => {
    const chat = await serveLinks();
    const { cookie } = await enter(chat, chat.keys.henry);
    const people = (headers: Record<string, string>) =>
      ask(chat.url, { method: 'GET', path: '/people' }, { receiver: 'henry' }, headers);

    const key = chat.invite('henry');

    expect((await people({ Cookie: cookie })).status).toBe(401);
    expect((await people(bearer(chat.keys.henry))).status).toBe(401);
    expect((await people(bearer(key))).status).toBe(200);
    await expect(enter(chat, chat.keys.henry)).rejects.toThrow('401');
  });

  test.each(['__proto__', 'constructor', 'toString', 'hasownproperty'])(
    'of somebody called %s is like any other',
    async (name) => {
      const chat = await serveLinks();
      expect(chat.revoke(name)).toBe(false);

      const key = chat.invite(name);

      expect((await enter(chat, key)).person).toBe(name.toLowerCase());
      const { status } = await ask(chat.url, { method: 'GET', path: '/people' }, { receiver: name }, bearer(key));
      expect(status).toBe(200);
      expect((await enter(chat, chat.keys.henry)).person).toBe('henry');
      expect(chat.revoke(name)).toBe(true);
      await expect(enter(chat, key)).rejects.toThrow('401');
    },
  );
});

describe('when a link is revoked', () => {
  test.each(['text/event-stream', 'application/x-ndjson'])(
    'the open stream (%s) says bye and ends within 5 s, and the next request is refused',
    async (Accept) => {
      const chat = await serveLinks();
      const { cookie } = await enter(chat, chat.keys.henry);
      const address = `${chat.url}/status?receiver=henry`;
      const stream = await fetch(address, { headers: { Cookie: cookie, Accept } });

      chat.revoke('henry');
      const rest = await restOf(stream);

      expect(rest).toMatch(/revoked/);
      expect((await fetch(address, { headers: { Cookie: cookie, Accept } })).status).toBe(401);
    },
  );

  test('a client that polls gets no more mail', async () => {
    const chat = await serveLinks();
    const asked = once(chat.server, 'request');
    const poll = fetch(`${chat.url}/status?receiver=henry&wait=50`, {
      headers: { ...bearer(chat.keys.henry), Accept: 'application/json' },
    });
    await asked;
    await ask(chat.url, { method: 'GET', path: '/people' }, { receiver: 'henry' }, bearer(chat.keys.henry));

    chat.revoke('henry');
    const message = { sender: 'jjeong', receiver: 'henry', message: 'not for him any more' };
    expect((await ask(chat.url, ENDPOINTS[0]!, message, bearer(chat.keys.jjeong))).status).toBe(201);

    const answer = await inTime('the answer', poll);
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toContain('not for him');
  });

  test('the streams of others continue', async () => {
    const chat = await serveLinks();
    const mina = chat.invite('mina');
    const theirs = await fetch(`${chat.url}/status?receiver=mina`, { headers: bearer(mina) });
    const his = await fetch(`${chat.url}/status?receiver=henry`, { headers: bearer(chat.keys.henry) });

    chat.revoke('henry');
    await restOf(his);
    const message = { sender: 'jjeong', receiver: 'mina', message: 'still here' };
    expect((await ask(chat.url, ENDPOINTS[0]!, message, bearer(chat.keys.jjeong))).status).toBe(201);

    const reader = theirs.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    await until('the message', async () => (text += (await reader.read()).value ?? '').includes('still here'));
    expect(text).not.toContain('bye');
    await reader.cancel();
  });
});

describe('a refusal says what to do:', () => {
  /** The answer to a request for henry's people with this credential. */
  async function told({ url }: { readonly url: string }, headers: Record<string, string>): Promise<string> {
    const { text } = await ask(url, { method: 'GET', path: '/people' }, { receiver: 'henry' }, headers);
    return (JSON.parse(text) as { message: string }).message;
  }

  test('people without a link must open the one they were sent', async () => {
    expect(await told(await serveLinks(), {})).toMatch(/^Open the invitation link you were sent\./);
  });

  test('people whose link has ended must ask for a new one, whether they send a key or a cookie, or exchange the key', async () => {
    const chat = await serveLinks();
    const { cookie } = await enter(chat, chat.keys.henry);
    chat.revoke('henry');

    const traded = await ask(chat.url, { method: 'POST', path: '/session' }, { key: chat.keys.henry });

    const ended = 'This link no longer works. Ask for a new one.';
    expect(await told(chat, bearer(chat.keys.henry))).toBe(ended);
    expect(await told(chat, { Cookie: cookie })).toBe(ended);
    expect(JSON.parse(traded.text)).toMatchObject({ message: ended });
  });

  test('people with links of others are told whose links they have', async () => {
    const chat = await serveLinks();
    const cookies = [await enter(chat, chat.keys.jjeong), await enter(chat, chat.invite('mina'))];
    const Cookie = cookies.map(({ cookie }) => cookie).join('; ');

    expect(await told(chat, bearer(chat.keys.jjeong))).toBe(
      "You are jjeong here; that is henry's. Only henry's own link opens it.",
    );
    expect(await told(chat, { ...bearer(chat.keys.jjeong), Cookie })).toBe(
      "You are jjeong and mina here; that is henry's. Only henry's own link opens it.",
    );
  });

  test('people whose own cookie is from plain http must open the link again on https', async () => {
    const chat = await serveLinks({ trustProxy: true });
    const { cookie } = await enter(chat, chat.keys.henry);

    expect(await told(chat, { Cookie: cookie, ...PROXIED })).toBe(
      'Your link was opened at another address of this chat. Open it again at this one.',
    );
  });

  test('people signed in as somebody else are told as whom, and people not signed in are told to sign in', async () => {
    const chat = mailboxChat({ dir: temporaryDirectory(), identify: (req) => String(req.headers['x-login'] ?? '') });
    afterThisTest(() => chat.close());
    const at = await serve(chat);

    expect(await told(at, { 'x-login': 'jjeong' })).toBe(
      "You are jjeong here; that is henry's. Sign in as henry to open it.",
    );
    expect(await told(at, {})).toBe('You are not signed in. Sign in to the application first.');
  });
});

describe('rooms, with links,', () => {
  test('are for everybody who has a link, each under their own name', async () => {
    const chat = await serveLinks();
    const henry = bearer(chat.keys.henry);
    const room = { receiver: 'room.lobby' };

    const answers = [
      await ask(chat.url, ENDPOINTS[0]!, { sender: 'henry', ...room, message: 'hi all' }, henry),
      await ask(chat.url, { method: 'GET', path: '/status' }, { ...room, person: 'henry' }, henry),
      await ask(chat.url, { method: 'GET', path: '/status' }, room, henry),
      await ask(chat.url, { method: 'GET', path: '/history' }, room, bearer(chat.keys.jjeong)),
    ];

    expect(answers.map(({ status }) => status)).toEqual([201, 200, 200, 200]);
    expect(answers[3]!.text).toContain('hi all');
  });

  test('are closed to people without a link, and to people who use somebody else’s name', async () => {
    const chat = await serveLinks();
    const room = { receiver: 'room.lobby' };
    const henry = bearer(chat.keys.henry);
    const status = { method: 'GET', path: '/status' } as const;

    const refused = [
      await ask(chat.url, status, room),
      await ask(chat.url, status, { ...room, person: 'henry' }),
      await ask(chat.url, { method: 'GET', path: '/history' }, room),
      await ask(chat.url, status, { ...room, person: 'jjeong' }, henry),
      await ask(chat.url, ENDPOINTS[0]!, { sender: 'jjeong', ...room, message: 'forged' }, henry),
      await ask(chat.url, { method: 'POST', path: '/typing' }, { sender: 'jjeong', ...room }, henry),
      await ask(chat.url, ENDPOINTS[0]!, { sender: 'room.lobby', receiver: 'jjeong', message: 'forged' }, henry),
      await ask(chat.url, { method: 'GET', path: '/people' }, room, henry),
    ];

    expect(refused.map((answer) => answer.status)).toEqual([401, 401, 401, 403, 403, 403, 400, 400]);
  });

  test('do not turn mailboxes into rooms: henry’s mailbox is not room.henry', async () => {
    const chat = await withMailForHenry();

    const answers = [
      await ask(chat.url, { method: 'GET', path: '/history' }, { receiver: 'room.henry' }, bearer(chat.keys.jjeong)),
      await ask(
        chat.url,
        { method: 'GET', path: '/status' },
        { f: 'room.henry.txt', since: 'all' },
        bearer(chat.keys.jjeong),
      ),
    ];

    for (const { text } of answers) expect(text).not.toContain('for henry only');
    expect(chat.mailboxText('henry')).toBe('data: for henry only\n\n');
  });
});

describe('henry’s mail, which is none of jjeong’s business,', () => {
  test.each(['~', '-~', '-~0-0', '~0-0', '0-0~', '~9999999999999-0', '-~9999999999999-0'])(
    'is not revealed by history with before=%s',
    async (before) => {
      const chat = await serveLinks();
      const mina = bearer(chat.invite('mina'));
      await ask(chat.url, ENDPOINTS[0]!, { sender: 'mina', receiver: 'henry', message: 'a secret' }, mina);
      chat.writeForeign('henry', 'data: {"sender":"nobody","receiver":"henry","message":"a foreign secret"}\n\n');
      const waiting = chat.mailboxText('henry');

      const { status, text } = await ask(
        chat.url,
        { method: 'GET', path: '/history' },
        { receiver: 'jjeong', sender: 'henry', before },
        bearer(chat.keys.jjeong),
      );

      expect(status).toBe(200);
      expect(JSON.parse(text)).toMatchObject({ messages: [] });
      expect(chat.mailboxText('henry')).toBe(waiting);
    },
  );

  test('is not revealed by the list of people', async () => {
    const chat = await serveLinks();
    const mina = bearer(chat.invite('mina'));
    await ask(chat.url, ENDPOINTS[0]!, { sender: 'mina', receiver: 'henry', message: 'a secret' }, mina);

    const { text } = await ask(
      chat.url,
      { method: 'GET', path: '/people' },
      { receiver: 'jjeong' },
      bearer(chat.keys.jjeong),
    );

    expect(text).toContain('henry');
    expect(text).not.toContain('a secret');
  });
});

describe('with the host application’s login', () => {
  type Answer = string | null | undefined;

  async function serveLogin(
    identify: (name: string) => Answer | Promise<Answer>,
  ): Promise<{ url: string; dir: string }> {
    const dir = temporaryDirectory();
    const chat = mailboxChat({
      dir,
      logger: silent,
      identify: (req) => identify(String(req.headers['x-login'])),
    });
    afterThisTest(() => chat.close());
    await chat.ready();
    return { dir, ...(await serve(chat)) };
  }

  const headers = { 'x-login': 'jjeong' };
  const room = { receiver: 'room.lobby' };

  test.each(endpoints)('$name is henry’s alone', async ({ fields, ...endpoint }) => {
    const { url, dir } = await serveLogin((name) => name);
    const before = listing(dir);

    expect((await ask(url, endpoint, fields, headers)).status).toBe(403);
    expect(listing(dir)).toEqual(before);
    expect((await ask(url, endpoint, fields, { 'x-login': 'Henry' })).status).toBeLessThan(300);
  });

  test.each<[string, Answer]>([
    ['undefined', undefined],
    ['null', null],
    ['an empty name', ''],
  ])('people without a name (%s) get in nowhere, not even into a room', async (_, nobody) => {
    const { url, dir } = await serveLogin(() => nobody);
    const before = listing(dir);

    const answers = [];
    for (const { fields, ...endpoint } of endpoints) answers.push(await ask(url, endpoint, fields));
    answers.push(await ask(url, { method: 'GET', path: '/status' }, room));
    answers.push(await ask(url, { method: 'GET', path: '/history' }, room));

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 401));
    expect(listing(dir)).toEqual(before);
  });

  test('nobody gets in when it fails', async () => {
    const { url, dir } = await serveLogin(() => Promise.reject(new Error('the session store is away')));
    const before = listing(dir);

    const answers = [];
    for (const { fields, ...endpoint } of endpoints) answers.push(await ask(url, endpoint, fields, headers));
    answers.push(await ask(url, { method: 'GET', path: '/history' }, room, headers));

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 503));
    for (const { text } of answers) expect(text).not.toContain('session store');
    expect(listing(dir)).toEqual(before);
  });

  test('an invitation link is of no use', async () => {
    const links = await serveLinks();
    const chat = mailboxChat({ dir: links.dir, identify: () => undefined });
    afterThisTest(() => chat.close());
    const { url } = await serve(chat);

    const { status } = await ask(
      url,
      { method: 'GET', path: '/people' },
      { receiver: 'henry' },
      bearer(links.keys.henry),
    );

    expect(status).toBe(401);
    await expect(enter({ url }, links.keys.henry)).rejects.toThrow('404');
  });
});

const peopleOf = (url: string, headers: Record<string, string>) =>
  ask(url, { method: 'GET', path: '/people' }, { receiver: 'henry' }, headers);

describe('two chats with links', () => {
  test('on two ports of one computer do not accept each other’s keys, and their cookies do not collide', async () => {
    const [work, home] = [await serveLinks(), await serveLinks()];
    const cookies = [(await enter(work, work.keys.henry)).cookie, (await enter(home, home.keys.henry)).cookie];
    const Cookie = cookies.join('; '); // browsers send the cookies of one port to every port

    expect(new Set(cookies.map((cookie) => cookie.split('=')[0])).size).toBe(2);
    for (const { url } of [work, home]) expect((await peopleOf(url, { Cookie })).status).toBe(200);
    expect((await peopleOf(work.url, { Cookie: cookies[1]! })).status).toBe(401);
    expect((await peopleOf(home.url, bearer(work.keys.henry))).status).toBe(401);
  });

  test('work where the server listens on a socket file, as behind a proxy', async () => {
    const { chat, keys, dir } = await serveLinks();
    const path = join(dir, 'http.sock');
    const server = createServer(chat).listen(path);
    await once(server, 'listening');
    afterThisTest(() => server.close());
    const { request } = await import('node:http');
    const asked = async (options: object, body = ''): Promise<{ status: number; setCookie: string }> => {
      const req = request({ socketPath: path, ...options });
      req.end(body);
      const [res] = await once(req, 'response');
      res.resume();
      return { status: res.statusCode, setCookie: String(res.headers['set-cookie'] ?? '') };
    };
    const headers = { Host: 'chat.example', 'Content-Type': 'application/json', Connection: 'close' };

    const { setCookie } = await asked(
      { method: 'POST', path: '/session', headers },
      JSON.stringify({ key: keys.henry }),
    );
    const withCookie = { ...headers, Cookie: setCookie.split(';')[0] };

    expect((await asked({ path: '/people?receiver=henry', headers: withCookie })).status).toBe(200);
    expect((await asked({ path: '/people?receiver=jjeong', headers: withCookie })).status).toBe(403);
  });
});

test('only the first twenty cookies count, and one that comes twice counts once', async () => {
  const chat = await serveLinks();
  const { cookie } = await enter(chat, chat.keys.henry);
  const others = Array.from({ length: 600 }, (_, i) => `mc_1_${i.toString(16).padStart(16, '0')}=${i}`);
  const statusWith = async (...cookies: readonly string[]): Promise<number> =>
    (await ask(chat.url, { method: 'GET', path: '/people' }, { receiver: 'henry' }, { Cookie: cookies.join('; ') }))
      .status;

  expect(await statusWith(...others.slice(0, 19), cookie)).toBe(200);
  expect(await statusWith(...Array.from({ length: 200 }, () => others[0]!), cookie)).toBe(200);
  expect(await statusWith(cookie, ...others.slice(0, 300))).toBe(200);
  expect(await statusWith(...others.slice(0, 300), cookie)).toBe(401);
});
