import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import compression from 'compression';
import express from 'express';
import express4 from 'express4';
import request from 'supertest';
import { mailboxChat, type MailboxChat } from '../../src/index.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { Listener, listen } from '../support/listener.ts';
import { history, say, type Stored } from '../support/requests.ts';
import { serve } from '../support/serve-chat.ts';

function newChat(): MailboxChat {
  const chat = mailboxChat({ dir: temporaryDirectory(), sendRate: 0 });
  afterThisTest(() => chat.close());
  return chat;
}

const greeting = { sender: 'jjeong', receiver: 'henry', message: '안녕\nhi' };

describe.each([
  ['Express 5', express],
  ['Express 4', express4],
])('mounted under /chat in %s, the chat', (_, makeApp) => {
  async function host(prepare: (app: express.Express) => void = () => undefined): Promise<{ url: string }> {
    const app = makeApp();
    prepare(app);
    app.use('/chat', newChat());
    app.get('/own', (_req, res) => void res.send('the host'));
    app.use((_req, res) => void res.status(404).send('the host has nothing here'));
    const { url } = await serve(app);
    return { url: `${url}/chat` };
  }

  test('sends and receives', async () => {
    const chat = await host();
    const page = await listen(`${chat.url}/status?receiver=henry`);

    await say(chat, 'jjeong', 'henry', 'hi');

    expect(await page.textsUpTo('hi')).toEqual(['hi']);
    const { messages } = await history(chat, 'henry', 'jjeong');
    expect(messages).toHaveLength(1);
  });

  test('redirects /chat to /chat/, with its query, for the relative addresses of its pages', async () => {
    const { url } = await host();

    const answers = [await fetch(url, { redirect: 'manual' }), await fetch(`${url}?a=1`, { redirect: 'manual' })];

    expect(answers.map(({ status }) => status)).toEqual([308, 308]);
    const places = answers.map((answer) => new URL(answer.headers.get('location')!, answer.url).href);
    expect(places).toEqual([`${url}/`, `${url}/?a=1`]);
    expect(answers[0]!.headers.get('cache-control')).toBe('public, max-age=604800'); // also used while the server is away
    expect((await fetch(url)).headers.get('content-type')).toMatch('text/html');
  });

  test('has no page with a broken address', async () => {
    const { url } = await host();
    const pages = readdirSync(join(PACKAGE_DIR, 'public')).filter((name) => name.endsWith('.html'));
    expect(pages).toContain('chat1.html');

    const addresses = new Set<string>();
    for (const page of ['', ...pages]) {
      const answer = await fetch(`${url}/${page}`);
      expect({ page, status: answer.status, type: answer.headers.get('content-type') }).toEqual({
        page,
        status: 200,
        type: expect.stringMatching('text/html'),
      });
      const html = await answer.text();
      for (const [, address] of html.matchAll(/(?:href|src)="([^"#]+)"/g)) {
        addresses.add(new URL(address!, answer.url).href);
      }
    }

    expect(addresses.size).toBeGreaterThan(2);
    for (const address of addresses) {
      expect(address.startsWith(`${url}/`)).toBe(true);
      expect({ address, status: (await fetch(address)).status }).toEqual({ address, status: 200 });
    }
  });

  test('has no script with a broken import', async () => {
    const { url } = await host();
    const seen = new Set([`${url}/js/chat-page.js`]);

    for (const address of seen) {
      const answer = await fetch(address);
      expect({ address, status: answer.status, type: answer.headers.get('content-type') }).toEqual({
        address,
        status: 200,
        type: expect.stringMatching('javascript'),
      });
      const imports = (await answer.text()).matchAll(/^(?:import|export) (?:[^'"]* from )?['"]([^'"]+)['"]/gm);
      for (const [, path] of imports) seen.add(new URL(path!, address).href);
    }

    expect(seen.size).toBeGreaterThan(2);
  });

  test('leaves unknown paths to the host', async () => {
    const { url } = await host();

    const [unknown, own] = [await request(url).get('/nothing'), await request(url.replace('/chat', '')).get('/own')];

    expect([unknown.status, unknown.text]).toEqual([404, 'the host has nothing here']);
    expect([own.status, own.text]).toEqual([200, 'the host']);
  });

  test('refuses the same requests as without a mount', async () => {
    const { url } = await host();

    const answers = [
      await request(url).post('/messages').send({}),
      await request(url).put('/messages'),
      await request(url).get('/status?receiver=../x'),
    ];

    expect(answers.map(({ status }) => status)).toEqual([400, 405, 400]);
    for (const { body } of answers) expect(body).toEqual({ error: expect.any(String), message: expect.any(String) });
  });

  test.each<[string, (app: express.Express) => void]>([
    ['express.json()', (app) => app.use(makeApp.json())],
    ['express.urlencoded()', (app) => app.use(makeApp.urlencoded({ extended: true }))],
    ['express.text()', (app) => app.use(makeApp.text({ type: '*/*' }))],
    ['all of them', (app) => app.use(makeApp.json(), makeApp.urlencoded({ extended: false }), makeApp.text())],
    ['compression()', (app) => app.use(compression({ threshold: 0 }))],
  ])('takes messages of every kind behind %s', async (_name, prepare) => {
    const { url } = await host(prepare);
    const { message, ...names } = greeting;

    const answers = [
      await request(url).post('/messages').send(greeting),
      await request(url).post('/messages').type('form').send(greeting),
      await request(url).post('/messages').query(names).type('text').send(message),
      await request(url).get('/messages.html').query(greeting),
    ];

    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201, 200]);
    for (const { body } of answers) expect(body as Stored).toMatchObject(greeting);
  });

  test.each<[string, (app: express.Express) => void]>([
    ['express.json()', (app) => app.use(makeApp.json())],
    ['express.urlencoded()', (app) => app.use(makeApp.urlencoded({ extended: true }))],
    ['express.text()', (app) => app.use(makeApp.text({ type: '*/*' }))],
  ])('refuses the same requests behind %s', async (_name, prepare) => {
    const { url } = await host(prepare);

    const answers = [
      await request(url)
        .post('/messages')
        .send({ ...greeting, sender: ['a'] }),
      await request(url).post('/messages').send([greeting]),
      await request(url).post('/messages').type('form').send('sender=a&sender=b&receiver=henry&message=hi'),
      await request(url).post('/messages').type('application/xml').send('<a/>'),
    ];

    expect(answers.map(({ status }) => status)).toEqual([400, 400, 400, 415]);
  });

  test('streams each event at once behind compression()', async () => {
    const chat = await host((app) => app.use(compression({ threshold: 0 })));
    const page = await listen(`${chat.url}/status?receiver=henry`);

    await say(chat, 'jjeong', 'henry', 'one');
    expect(await page.textsUpTo('one')).toEqual(['one']);

    await say(chat, 'jjeong', 'henry', 'two');
    expect(await page.textsUpTo('two')).toEqual(['two']);
  });

  test('says bye through compression()', async () => {
    const app = makeApp();
    const chat = newChat();
    app.use(compression({ threshold: 0 }), chat);
    const { url } = await serve(app);
    const page = new Listener(`${url}/status?receiver=henry`);
    await page.next();

    await chat.close();

    expect(await page.next()).toMatchObject({ type: 'bye' });
  });

  test('can be mounted twice, independently', async () => {
    const app = makeApp();
    const [work, home] = [newChat(), newChat()];
    app.use('/work', work);
    app.use('/home/of/chat', home);
    const { url } = await serve(app);
    const [atWork, atHome] = [{ url: `${url}/work` }, { url: `${url}/home/of/chat` }];
    const pages = [
      await listen(`${atWork.url}/status?receiver=henry`),
      await listen(`${atHome.url}/status?receiver=henry`),
    ];

    await say(atWork, 'jjeong', 'henry', 'to work', 'k1');
    await say(atHome, 'jjeong', 'henry', 'to home', 'k1');

    expect([await pages[0]!.textsUpTo('to work'), await pages[1]!.textsUpTo('to home')]).toEqual([
      ['to work'],
      ['to home'],
    ]);

    await work.close();
    await say(atHome, 'jjeong', 'henry', 'still here');
    expect(await pages[1]!.textsUpTo('still here')).toEqual(['still here']);
  });
});

describe('without Express, the chat', () => {
  test('serves its pages at the root of a plain server', async () => {
    const { url } = await serve(newChat());

    const [index, page] = [await request(url).get('/'), await request(url).get('/chat1.html')];

    expect([index.status, page.status]).toEqual([200, 200]);
    expect([index.type, page.type]).toEqual(['text/html', 'text/html']);
  });
});
