import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, test as always } from '@jest/globals';
import type { MailboxChatOptions } from '../../src/index.ts';
import { Invitations } from '../../src/access/invitations.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { listing } from '../support/directory.ts';
import { requires } from '../support/requires.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';
import { newContext, openBrowserForAll, serveSite } from './kit/browser.ts';
import { SENDING, TARGETS, hostilePage } from './kit/hostile-page.ts';

const test = requires('chromium') as typeof always;
openBrowserForAll();

const KITTENS = '/kittens';
const WAITING = 'data: waiting for henry\n\n';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly answerHeaders: string[];
}

interface Target {
  readonly port: number;
  readonly dir: string;
  readonly asked: readonly Asked[];
  readonly mailboxText: (name: string) => string;
}

/** A chat with waiting mail that records its requests and answers. */
async function recordedChat(options: MailboxChatOptions = {}): Promise<Target> {
  const { chat, dir, mailboxText, writeForeign } = await serveChat(options);
  writeForeign('henry', WAITING);
  writeForeign('jjeong', '');
  const asked: Asked[] = [];
  const server = createServer((req, res) => {
    const { method = '', url = '' } = req;
    // The owner of a name can point it at another computer after a page was loaded from it.
    if (url === KITTENS) return sendHtml(res, hostilePage(`http://${req.headers.host!}`));
    res.once('close', () => {
      asked.push({ method, url, status: res.statusCode, answerHeaders: res.getHeaderNames() });
    });
    return chat(req, res);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterThisTest(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, dir, asked, mailboxText };
}

function sendHtml(res: ServerResponse, html: string): void {
  res.setHeader('Content-Type', 'text/html').end(html);
}

/** Ways to make requests from another site that reach the server. */
const WAYS = ['img', 'script', 'iframe', 'prefetch', 'fetch', 'no-cors', 'eventsource', 'websocket', 'form'];

/** Opens a hostile page. When all its attempts have ended, resolves to what it could read. */
async function visit(address: string, { asked }: Target, ways = WAYS): Promise<string[]> {
  const page = await (await newContext()).newPage();
  await page.goto(address, { waitUntil: 'commit' });
  const leaks = await page.evaluate<string[]>('done');
  await until('all attempts at the server', () =>
    TARGETS.every((target) =>
      ways.every((way) => asked.some(({ url }) => url.startsWith(target.split('?')[0]!) && url.includes(`by=${way}`))),
    ),
  );
  return leaks;
}

function expectNothingDone({ asked, dir, mailboxText }: Target, before: readonly string[]): void {
  expect(mailboxText('henry')).toBe(WAITING);
  expect(mailboxText('jjeong')).toBe('');
  expect(listing(dir)).toEqual(before);
  expect(
    asked.flatMap(({ answerHeaders }) => answerHeaders.filter((name) => name.startsWith('access-control'))),
  ).toEqual([]);
}

describe('a page of another site in a real browser', () => {
  test.each([
    ['on another port of this computer', 'localhost', 'localhost'],
    ['by another name of this computer', 'localhost', '127.0.0.1'],
    ['from elsewhere', 'localhost', 'evil.test'],
    ['from elsewhere, when the chat is called by its number', '127.0.0.1', 'evil.test'],
    ['on a name under localhost', 'localhost', 'evil.localhost'],
  ])('%s reads, moves and writes nothing', async (_, chatHost, evilHost) => {
    const chat = await recordedChat();
    const evil = await serveSite((_req, res) => {
      sendHtml(res, hostilePage(`http://${chatHost}:${chat.port}`));
    });
    const before = listing(chat.dir);

    const leaks = await visit(`http://${evilHost}:${evil}/`, chat);

    expect(leaks).toEqual([]);
    expect(chat.asked.filter(({ method, status }) => method === 'GET' && status < 400)).toEqual([]);
    expect(chat.asked.filter(({ method, status }) => method === 'POST' && status < 400)).toEqual([]);
    expect(chat.asked.filter(({ method }) => method === 'POST').length).toBeGreaterThan(20);
    expectNothingDone(chat, before);
  });

  test('that points its own name at this computer is refused', async () => {
    const chat = await recordedChat();
    const before = listing(chat.dir);
    const page = await (await newContext()).newPage();
    await page.goto(`http://evil.test:${chat.port}${KITTENS}`, { waitUntil: 'commit' });

    await page.evaluate('done');

    expect(chat.asked.filter(({ method, status }) => method !== 'HEAD' && status < 400)).toEqual([]);
    expect(chat.asked.filter(({ method, status }) => method === 'POST' && status === 403).length).toBeGreaterThan(20);
    expectNothingDone(chat, before);
  });

  test('that sends the browser to the chat, or opens it in a window, moves nothing', async () => {
    const chat = await recordedChat();
    const target = `http://localhost:${chat.port}${TARGETS[0]!}`;
    const evil = await serveSite((req, res) => {
      if (req.url === '/away') res.writeHead(302, { Location: target }).end();
      else sendHtml(res, `<script>location = ${JSON.stringify(target)}</script>`);
    });
    const before = listing(chat.dir);
    const context = await newContext();

    for (const address of ['/', '/away']) {
      const page = await context.newPage();
      const link = `<a href="http://127.0.0.1:${evil}${address}">kittens</a>`;
      await page.route('http://evil.test/', (route) => route.fulfill({ contentType: 'text/html', body: link }));
      await page.goto('http://evil.test/');
      await page.click('a');
      await page.waitForURL(target);
    }

    await until('both', () => chat.asked.filter(({ url }) => url === TARGETS[0]).length === 2);
    expect(chat.asked.filter(({ status }) => status < 400)).toEqual([]);
    expectNothingDone(chat, before);
  });

  test('shows none of the pages in a frame', async () => {
    const chat = await recordedChat();
    const evil = await serveSite((_req, res) => {
      sendHtml(res, `<iframe src="http://localhost:${chat.port}/chat1.html"></iframe>`);
    });
    const page = await (await newContext()).newPage();

    await page.goto(`http://evil.test:${evil}/`);

    const frame = page.frames().find((one) => one !== page.mainFrame())!;
    expect(await frame.evaluate('document.querySelectorAll("main, form, [role=log]").length')).toBe(0);
    expect(chat.asked.filter(({ url }) => url.startsWith('/status'))).toEqual([]);
  });
});

async function entered(): Promise<Target & { visitSibling: (host: string) => Promise<string[]> }> {
  const chat = await recordedChat({ access: 'links' });
  const key = new Invitations(chat.dir).invite(mailboxName('henry'));
  const home = `http://chat.test:${chat.port}`;
  const evil = await serveSite((_req, res) => {
    // An image that loads a stream holds a connection, so each way to send is tried alone.
    sendHtml(res, hostilePage(home, SENDING));
  });
  const context = await newContext();
  const page = await context.newPage();
  await page.goto(`${home}/chat.html?me=henry&with=jjeong#key=${key}`);
  await until('the cookie', async () => (await context.cookies()).length > 0);
  await page.close();
  const visitSibling = async (host: string): Promise<string[]> => {
    const hostile = await context.newPage();
    await hostile.goto(`http://${host}:${evil}/`, { waitUntil: 'commit' });
    return hostile.evaluate<string[]>('done');
  };
  return { ...chat, visitSibling };
}

describe('with links, on plain http by a name of the home network,', () => {
  test.each(['evil.test', 'evil.chat.test', 'chat.test'])(
    'a page of http://%s can neither send as the person who has entered nor read',
    async (host) => {
      const chat = await entered();
      const asked = chat.asked.length;

      const leaks = await chat.visitSibling(host);

      expect(leaks).toEqual([]);
      await until('the attempts', () => chat.asked.slice(asked).some(({ url }) => url.includes('by=websocket')));
      expect(chat.mailboxText('jjeong')).toBe('');
      const sent = chat.asked.filter(({ url, status }) => url.startsWith('/messages') && status < 400);
      expect(sent.filter(({ method }) => method === 'GET' || method === 'POST')).toEqual([]);
    },
  );
});
