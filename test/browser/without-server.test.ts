import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { Running, temporaryDirectory } from '../command/running.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { serveChat } from '../support/serve-chat.ts';
import { Gate } from './gate.ts';
import {
  Server,
  button,
  chatOf,
  composer,
  isReady,
  newBrowser,
  openChat,
  says,
  setTheStage,
  shows,
  textsOn,
  write,
} from './stage.ts';

const test = requires('chromium');
setTheStage('--host-resolver-rules=MAP chat.test 127.0.0.1');

/** Resolves when the page can be opened without the server. */
const isKept = (page: Page) => page.evaluate(() => navigator.serviceWorker.ready.then(() => true));

/** The command of a package that differs in one text only. */
function otherWording(old: string, wording: string): string {
  const copy = temporaryDirectory();
  for (const part of ['bin', 'dist', 'public', 'package.json']) {
    cpSync(join(PACKAGE_DIR, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(PACKAGE_DIR, 'node_modules'), join(copy, 'node_modules'));
  const words = join(copy, 'public/lang/en.json');
  writeFileSync(words, readFileSync(words, 'utf8').replace(old, wording));
  return join(copy, 'bin/mailbox-chat.cjs');
}

describe('a page that was opened before', () => {
  test('opens while the server is away, with the last messages and a composer whose text is sent later', async () => {
    const server = await Server.start();
    const henry = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    await write(henry, 'before');
    await says(henry, 'Sent');
    await isKept(henry);
    await server.end('SIGKILL');

    await henry.reload();
    await shows(henry, 'before');
    await write(henry, 'meanwhile');
    await says(henry, /^Waiting to send|^Sending…/);
    await henry.reload();
    await shows(henry, 'before', 'meanwhile');
    const picker = await henry.context().newPage();
    await picker.goto(server.url);
    await picker.getByRole('alert').getByText('The server does not answer.').waitFor();
    await server.startAgain();
    await picker.getByRole('link', { name: /jjeong/ }).waitFor();
    await isReady(henry);
    await says(henry, 'Sent');

    expect(await textsOn(henry)).toEqual(['before', 'meanwhile']);
  });

  test('stores the files of the pages, and no answer of the API', async () => {
    const server = await serveChat();
    const henry = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    await isKept(henry);
    await henry.reload();
    await isReady(henry);

    const kept = await henry.evaluate(async () => {
      const names = await caches.keys();
      const requests = await Promise.all(names.map(async (name) => (await caches.open(name)).keys()));
      return requests.flat().map(({ url }) => new URL(url).pathname);
    });

    expect(kept).toEqual(expect.arrayContaining(['/chat.html', '/js/chat.js', '/lang/ko.json']));
    expect(kept.filter((path) => !/\.(html|js|css|svg|json|webmanifest)$/.test(path))).toEqual([]);
  });

  test('sends messages although all connections died while it stored its files', async () => {
    const gate = await Gate.before(await serveChat());
    const henry = await openChat(await newBrowser(), chatOf(gate, 'henry', 'jjeong'));
    let asked = 0;
    gate.rule = (path) => (/^\/(?!sw\.js$)[^?]*\.\w+$/.test(path) && ++asked ? 'held' : 'through');
    await until('the first file', () => asked > 0);
    await henry.evaluate(() => fetch('healthz').then((response) => response.text()));

    gate.swallow();
    gate.rule = () => 'through';
    await composer(henry).pressSequentially('hello\n');
    await says(henry, 'Sent');
  });

  test('is up to date the next time it is opened', async () => {
    const server = await Server.start();
    const henry = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    await isKept(henry);
    await server.end('SIGTERM');
    const updated = ['--port', String(server.port), '--dir', server.dir];
    await new Running(updated, { bin: otherWording('Chat with', 'Talk with') }).ready();

    await openChat(henry.context(), henry.url());
    await henry.reload();

    await henry.getByRole('heading', { name: 'Talk with jjeong' }).waitFor();
  });

  test('works as usual where service workers are not allowed: http://chat.test', async () => {
    const server = await serveChat({ allowedHosts: ['chat.test'] });
    const henry = await openChat(await newBrowser(), `http://chat.test:${new URL(server.url).port}/chat1.html`);

    await write(henry, 'hello');
    await says(henry, 'Sent');

    expect(await henry.evaluate(() => 'serviceWorker' in navigator)).toBe(false);
    await composer(henry).waitFor();
  });
});

describe('a page whose texts cannot be loaded', () => {
  const BROKEN = [
    { status: 404, json: { error: 'NOT_FOUND', message: 'nothing here', language: 'none' } },
    { contentType: 'application/json', body: '{"language": "Language", "send": "Se' },
    { contentType: 'text/html', body: '<h1>Sign in</h1>' },
    { json: null },
  ];

  test('uses the other language', async () => {
    const server = await serveChat();

    const pages = BROKEN.map(async (answer) => {
      const context = await newBrowser({ serviceWorkers: 'block' });
      await context.route('**/lang/en.json', (route) => route.fulfill(answer));
      const page = await openChat(context, chatOf(server, 'henry', 'jjeong'));
      await page.getByRole('heading', { name: 'jjeong님과의 대화' }).waitFor();
      await button(page, 'EN').click();
      return page;
    });

    for (const page of await Promise.all(pages)) expect(await page.locator('html').getAttribute('lang')).toBe('ko');
  });

  test('can be used without either language', async () => {
    const server = await serveChat();
    const context = await newBrowser({ serviceWorkers: 'block' });
    await context.route('**/lang/*.json', (route) => route.abort());
    const page = await openChat(context, chatOf(server, 'henry', 'jjeong'));

    await page.getByRole('textbox').fill('hello');
    await button(page, 'send').click();
    await shows(page, 'hello');

    expect(await page.getByRole('heading').innerText()).toContain('jjeong');
  });
});
