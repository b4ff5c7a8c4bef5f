import { appendFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import express from 'express';
import type { Page } from 'playwright-core';
import { mailboxChat } from '../../src/index.ts';
import { silent } from '../../src/words/logger.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { requires } from '../support/requires.ts';
import { serve } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { Gate } from './gate.ts';
import { PLACE, attach, fileOf, photo, picture, png } from './pictures.ts';
import {
  button,
  chatOf,
  log,
  newBrowser,
  openChat,
  says,
  setTheStage,
  shows,
  textsOn,
  twoPeople,
  write,
} from './stage.ts';

const test = requires('chromium');
setTheStage();

const uploads = (path: string, method: string): boolean => method === 'POST' && path.startsWith('/files');
const downloads = (path: string, method: string): boolean => method === 'GET' && path.startsWith('/files/');
const card = (page: Page, name: string) => log(page).getByRole('link', { name });
const send = (page: Page) => button(page, 'Send').click();

/** The contents of all files that the server keeps. */
function storedFiles({ dir }: ServedChat): Buffer[] {
  const names = readdirSync(join(dir, '.files')).filter((name) => /^[0-9a-f]{64}$/.test(name));
  return names.map((name) => readFileSync(join(dir, '.files', name)));
}

describe('a picture', () => {
  test('is sent smaller and without its location, and has its space reserved while it loads', async () => {
    const server = await serveChat();
    const gate = await Gate.before(server);
    const { henry, jjeong } = await twoPeople(gate, { reducedMotion: 'reduce' });
    gate.rule = (path, method) => (downloads(path, method) ? 'held' : 'through');

    await attach(henry, await photo(henry, 'IMG_1.JPG', 3000, 2000));
    await write(henry, 'from the hill');
    await shows(jjeong, 'from the hill');
    const room = () => log(jjeong).evaluate(({ scrollHeight }) => scrollHeight);
    const before = await room();
    gate.rule = () => 'through';
    const size = ({ naturalWidth, naturalHeight }: HTMLImageElement) => [naturalWidth, naturalHeight];

    expect(await picture(jjeong, 'IMG_1.jpg').locator('img').evaluate(size)).toEqual([2048, 1365]);
    expect(await room()).toBe(before);
    expect(storedFiles(server).map((bytes) => bytes.includes(PLACE))).toEqual([false]);
  });

  test('is sent unchanged if its sender wants that', async () => {
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);
    const original = await photo(henry, 'IMG_1.JPG', 300, 200);

    await attach(henry, original);
    await button(henry, /^Keep originals/).click();
    await send(henry);
    await picture(jjeong, 'IMG_1.JPG').waitFor();

    expect(storedFiles(server)).toEqual([original.buffer]);
  });

  test('that its sender removes is gone from both pages and from the disk', async () => {
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);
    await attach(henry, png('one.png', 40, 30));
    await send(henry);
    await picture(jjeong, 'one.png').waitFor();

    await picture(jjeong, 'one.png').click();
    await jjeong.getByRole('dialog', { name: 'Pictures' }).waitFor();

    await picture(henry, 'one.png').click({ button: 'right' });
    await henry.getByRole('menuitem', { name: 'Remove for everyone' }).click();
    await button(henry, /^Remove/).click();
    await shows(jjeong, 'Message removed');
    await says(jjeong, 'This picture was removed.');
    expect(await jjeong.getByRole('dialog').count()).toBe(0);

    for (const page of [henry, jjeong]) expect(await log(page).locator('.picture').count()).toBe(0);
    await until('no file', () => storedFiles(server).length === 0);
    const kept = () => jjeong.evaluate(() => JSON.stringify(Object.entries(localStorage)));
    await until('the removal is kept', async () => (await kept()).includes(String.raw`\"removed\":true`));
    expect(await kept()).not.toContain('one.png');
  });

  test('opens in a viewer that the keyboard turns, zooms and closes', async () => {
    const { henry, jjeong } = await twoPeople(await serveChat());
    await attach(henry, png('one.png', 40, 30), png('two.png', 30, 40));
    await send(henry);
    await picture(jjeong, 'two.png').waitFor();
    const viewer = jjeong.getByRole('dialog', { name: 'Pictures' });
    const zoom = () => viewer.locator('img').evaluate((image) => new DOMMatrix(getComputedStyle(image).transform).a);

    await picture(jjeong, 'one.png').click();
    await viewer.getByRole('img', { name: 'one.png' }).waitFor();
    await jjeong.keyboard.press('ArrowRight');
    await viewer.getByRole('img', { name: 'two.png' }).waitFor();
    await viewer.getByRole('img').click(); // nothing has the focus
    await jjeong.keyboard.press('+');
    expect(await zoom()).toBeGreaterThan(1);
    await jjeong.keyboard.press('ArrowLeft');
    await viewer.getByRole('img', { name: 'one.png' }).waitFor();
    expect(await zoom()).toBe(1);
    await jjeong.keyboard.press('Escape');
    await viewer.waitFor({ state: 'detached' });

    expect(await jjeong.evaluate(() => document.activeElement?.ariaLabel)).toBe('Picture one.png');
  });
});

describe('a file', () => {
  test('that the server does not accept yet survives a reload, and text does not wait for it', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoPeople(gate);
    const report = fileOf('report.pdf', Buffer.from('%PDF-1.7 …'));
    gate.rule = (path, method) => (uploads(path, method) ? 'refused' : 'through');

    await attach(henry, report);
    await send(henry);
    await log(henry).getByRole('progressbar').waitFor();
    await write(henry, 'goes ahead');
    await shows(jjeong, 'goes ahead');
    await henry.reload();
    await log(henry).getByRole('progressbar').waitFor();
    gate.rule = () => 'through';
    const { href } = await card(jjeong, 'report.pdf').evaluate(({ href }: HTMLAnchorElement) => ({ href }));

    expect(await (await jjeong.request.get(href)).body()).toEqual(report.buffer);
    await card(jjeong, 'report.pdf').click({ button: 'right' });
    await jjeong.getByRole('menuitem', { name: 'Reply' }).click();
    expect((await textsOn(jjeong)).filter(Boolean)).toEqual(['goes ahead']);
  });

  test('arrives before one that was sent later, although the browser takes longer to keep it', async () => {
    const server = await serveChat();
    const [atHenrys, atJjeongs] = [await newBrowser(), await newBrowser()];
    await atHenrys.addInitScript(() => {
      const kept = new Promise((resolve) => addEventListener('kept', resolve));
      Blob.prototype.arrayBuffer = async function () {
        if (this.size === 5) await kept;
        return new Response(this).arrayBuffer();
      };
    });
    const henry = await openChat(atHenrys, chatOf(server, 'henry', 'jjeong'));
    const jjeong = await openChat(atJjeongs, chatOf(server, 'jjeong', 'henry'));

    for (const [name, text] of Object.entries({ 'first.txt': '12345', 'second.txt': '123' })) {
      await attach(henry, fileOf(name, Buffer.from(text)));
      await henry.locator('.tray .name').waitFor();
      await send(henry);
    }
    await write(henry, 'goes ahead');
    await shows(jjeong, 'goes ahead');
    await henry.evaluate(() => dispatchEvent(new Event('kept')));
    for (const name of ['first.txt', 'second.txt']) await card(jjeong, name).waitFor();

    expect(await log(jjeong).locator('.file .sr').allInnerTexts()).toEqual(['first.txt', 'second.txt']);
  });

  test('shows its progress, and can be cancelled and sent again', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoPeople(gate);
    gate.rule = (path, method) => (uploads(path, method) ? 'held' : 'through');

    await attach(henry, fileOf('film.mp4', Buffer.alloc(12_000_000)));
    await send(henry);
    const bar = log(henry).getByRole('progressbar');
    await until('progress', () => bar.evaluate(({ value }: HTMLProgressElement) => value > 0 && value < 1));
    await log(henry).getByRole('button', { name: 'Cancel' }).click();
    await bar.waitFor({ state: 'detached' });
    await button(henry, 'Undo').click();
    gate.rule = () => 'through';

    await card(jjeong, 'film.mp4').waitFor();
  });

  test('can be pasted and dropped, unless it is too large or there are more than ten', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoPeople(gate);
    /** Pastes or drops files of so many bytes. */
    const bring = (type: 'paste' | 'drop', sizes: Record<string, number>) =>
      henry.evaluate(
        ([how, named]) => {
          const data = new DataTransfer();
          for (const [name, bytes] of Object.entries(named)) data.items.add(new File([new ArrayBuffer(bytes)], name));
          const given = { bubbles: true, cancelable: true };
          const event =
            how === 'paste'
              ? new ClipboardEvent(how, { ...given, clipboardData: data })
              : new DragEvent(how, { ...given, dataTransfer: data });
          document.body.dispatchEvent(event);
        },
        [type, sizes] as const,
      );

    await bring('paste', { 'pasted.txt': 3 });
    await bring('drop', { 'dropped.txt': 4, 'huge.bin': 21 * 2 ** 20 });
    await says(henry, 'huge.bin is too large. A file may have up to 21 MB.');
    await send(henry);
    await card(jjeong, 'pasted.txt').waitFor();
    await card(jjeong, 'dropped.txt').waitFor();
    await bring('drop', Object.fromEntries(Array.from({ length: 11 }, (_, at) => [`${at}.txt`, 1])));
    await says(henry, 'Only 10 files fit in one message.');

    expect(await henry.locator('.tray li').count()).toBe(10);
  });

  test('that the browser cannot store is sent, and the page asks people to stay', async () => {
    const server = await serveChat();
    const context = await newBrowser();
    await context.addInitScript(() => {
      indexedDB.open = () => {
        throw new DOMException('off', 'SecurityError');
      };
    });
    const henry = await openChat(context, chatOf(server, 'henry', 'jjeong'));

    await attach(henry, fileOf('a.txt', Buffer.from('a')));
    await send(henry);

    await says(henry, /^This browser has no room to keep the files/);
    await says(henry, 'Sent');
  });

  test('is sent whatever its type, also if the host application parses bodies of that type', async () => {
    const chat = mailboxChat({ dir: temporaryDirectory(), logger: silent });
    afterThisTest(() => chat.close());
    const henry = await openChat(
      await newBrowser(),
      chatOf(await serve(express().use(express.json(), chat)), 'henry', 'jjeong'),
    );

    await attach(henry, fileOf('data.json', Buffer.from('{}'), 'application/json'));
    await send(henry);

    await log(henry).locator('[data-state=sent]').waitFor();
  });
});

describe('a hostile file', () => {
  test('is only offered as a download: a script, a huge picture, a misleading name', async () => {
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);
    const mail = { sender: 'henry', receiver: 'jjeong', message: '', time: new Date().toISOString(), key: 'k' };
    const lies = { name: '../x\u202egpj.exe', type: 'text/html', bytes: 9, sha256: 'a'.repeat(64) };

    await attach(
      henry,
      fileOf('x.svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'), 'image/svg+xml'),
    );
    await attach(henry, png('vast.png', 9000, 9000));
    await button(henry, /^Keep originals/).click();
    await send(henry);
    await card(jjeong, 'x.svg').waitFor();
    await card(jjeong, 'vast.png').waitFor();
    appendFileSync(join(server.dir, 'jjeong.txt'), `\n\ndata: ${JSON.stringify({ ...mail, files: [lies] })}\n\n`);
    await card(jjeong, 'x_gpj.exe').waitFor();

    expect(
      await log(jjeong)
        .locator('.picture, img, .file')
        .evaluateAll((all) => all.map(({ nodeName }) => nodeName)),
    ).toEqual(['A', 'A', 'A']);
  });
});
