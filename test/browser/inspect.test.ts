import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { FileMailboxes } from '../../src/index.ts';
import { run } from '../command/running.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { requires } from '../support/requires.ts';
import { serveChat } from '../support/serve-chat.ts';
import { LOOKS, expectAccessible } from './accessible.ts';
import { Server, button, chatOf, newBrowser, openChat, setTheStage } from './stage.ts';

const test = requires('chromium');
setTheStage();

const inspectOf = ({ url }: { readonly url: string }) => new URL('inspect.html', url).href;
const isLive = (page: Page) => page.locator('[data-state=live] li').first().waitFor();
const stage = (page: Page, number: number) => page.getByRole('region', { name: new RegExp(`^${number}\\.`) });
const rows = (page: Page, number: number) => stage(page, number).getByRole('list').getByRole('listitem');

async function inspect(server: { readonly url: string }): Promise<Page> {
  const page = await (await newBrowser()).newPage();
  await page.goto(inspectOf(server));
  await isLive(page);
  return page;
}

describe('the inspector', () => {
  test('shows mail when it comes into the file and when it moves into the log', async () => {
    const server = await serveChat();
    const file = join(server.dir, 'henry.txt');
    const page = await inspect(server);
    await page.getByText('There is no such file yet.').waitFor();
    const command = await page.getByText(/^printf/).innerText();
    expect(command).toBe(String.raw`printf 'data: hi\n\n' >> ${file}`);

    appendFileSync(file, Buffer.concat([Buffer.from('data: hi\r\n\r\n\u202edata: \x07\n\ndata: ha'), Buffer.of(0xff)]));

    await page.getByRole('log').getByText('33 bytes were appended to henry.txt.').waitFor();
    expect((await rows(page, 1).allInnerTexts()).map((text) => text.split(/\n+/).filter(Boolean))).toEqual([
      ['0–12', String.raw`data: hi\r\n`, String.raw`\r\n`, 'From a file 0-0.1', 'hi'],
      ['12–24', String.raw`\u202edata: \x07\n`, String.raw`\n`, 'Not shown: it has no data field.'],
      ['24–33', String.raw`data: ha\xff`, 'Half a line. It waits for its rest.'],
    ]);

    const chat = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    await rows(page, 2).getByText('hi', { exact: true }).waitFor();
    await stage(page, 1).getByText('Empty.').waitFor();
    await rows(page, 2).getByText('Here the piece ends.').waitFor();
    await rows(page, 3).getByText('hi', { exact: true }).waitFor();
    await page.getByText('1 stream at this server').waitFor();
    await page.getByText('Received up to', { exact: true }).waitFor();
    await page.getByRole('log').getByText('Somebody listens: 1 in all.').waitFor();
    await chat.close();
    await page.getByRole('log').getByText('Somebody stopped listening: 0 are left.').waitFor();
  });

  test('continues after the server was away, and follows the chosen mailbox', async () => {
    const server = await Server.start();
    const page = await inspect(server);
    await page.getByRole('combobox', { name: 'Mailbox' }).selectOption('jjeong');
    await stage(page, 1).getByText('There is no such file yet.').waitFor();
    expect(new URL(page.url()).search).toBe('?mailbox=jjeong');

    await server.end('SIGKILL');
    await page.getByRole('status').getByText('Reconnecting…').waitFor();
    appendFileSync(join(server.dir, 'jjeong.txt'), 'data: 안녕\n\n');
    await server.startAgain();

    await rows(page, 1).getByText('안녕', { exact: true }).waitFor();
    await page.getByRole('status').getByText('Live').waitFor();
  });

  test('tells people with a link why it does not open, and opens in a second chat, as it suggests', async () => {
    const server = await Server.start('--access', 'links');
    const link = (await run(['invite', 'mina', '--dir', server.dir, '--url', server.url])).stdout.trim();
    appendFileSync(join(server.dir, 'mina.txt'), 'data: hi\n\n');
    const page = await (await newBrowser()).newPage();

    await page.goto(link.replace('chat.html', 'inspect.html'));
    await page.getByText('You may not look at the mailboxes.').waitFor();
    await page.getByText('a second chat on it, for that computer only: mailbox-chat --port').waitFor();

    const second = await Server.start('--dir', server.dir);
    await page.goto(`${inspectOf(second)}?mailbox=mina`);
    await rows(page, 1).getByText('hi', { exact: true }).waitFor();
  });

  test('is accessible in every state', async () => {
    const dir = temporaryDirectory();
    // A piece moves to the log when nobody has had it open for 10 s. Here it takes a tenth of that.
    const server = await serveChat({ dir, store: new FileMailboxes(dir, { uptimeMs: () => performance.now() * 10 }) });
    appendFileSync(join(server.dir, 'henry.txt'), `data: hi\n\nnonsense\n\ndata: ${'x'.repeat(400)}`);
    await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    appendFileSync(join(server.dir, 'jjeong.txt'), 'data: waiting\n');
    for (const [name, { context: options, also }] of Object.entries(LOOKS)) {
      const page = await (await newBrowser(options)).newPage();
      await page.goto(inspectOf(server));
      await stage(page, 3).getByRole('listitem').first().waitFor();
      await expectAccessible(page, name, also);
    }
  });

  test('can be used with the keyboard, and changes its language at once', async () => {
    const page = await inspect(await serveChat());
    const focused = () => page.evaluate(() => document.activeElement?.outerHTML.slice(0, 12));

    const stops: (string | undefined)[] = [];
    for (let i = 0; i < 4; i += 1) {
      await page.keyboard.press('Tab');
      stops.push(await focused());
    }
    await button(page, '한').click();

    expect(stops).toEqual(['<select id="', '<button type', '<button type', '<div role="l']);
    await page.getByRole('heading', { name: '1. 메일박스' }).waitFor();
    expect(await page.title()).toBe('henry – 들여다보기 – 메일박스 채팅');
    expect(await page.locator('html').getAttribute('lang')).toBe('ko');
  });
});
