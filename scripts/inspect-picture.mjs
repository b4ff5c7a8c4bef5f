/** Makes docs/images/inspect.png: a real server, a real browser, and mail as it comes. `npm run build` first. */
import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { mailboxChat } from '../dist/index.js';

const PICTURE = fileURLToPath(new URL('../docs/images/inspect.png', import.meta.url));

const work = mkdtempSync(join(tmpdir(), 'mailbox-chat-picture-'));
process.chdir(work);
const chat = mailboxChat({ dir: 'mailboxes' });
const server = createServer(chat).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://localhost:${server.address().port}/`;
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
try {
  const context = await browser.newContext({
    viewport: { width: 1180, height: 1000 },
    locale: 'en-US',
    colorScheme: 'light',
  });
  const henry = await context.newPage();
  await henry.goto(`${url}chat1.html`);
  await henry.locator('[role=log][aria-live=polite]').waitFor();
  const page = await context.newPage();
  await page.goto(`${url}inspect.html`);
  await page.getByText('1 stream at this server').waitFor();

  await send({ sender: 'jjeong', receiver: 'henry', message: '안녕\nhi' });
  await page.locator('.file .text', { hasText: '안녕' }).waitFor();
  await page.waitForFunction(() => !document.querySelector('.fresh'));
  appendFileSync('mailboxes/henry.txt', 'data: hi\n\n');
  await page.locator('.stage:nth-of-type(3) .text', { hasText: /^hi$/ }).waitFor();
  await henry.close();
  await page.getByText('0 streams at this server').waitFor();
  appendFileSync('mailboxes/henry.txt', 'data: nobody listens now\n\ndata: not yet comple');
  await page.locator('.unfinished').waitFor();
  await page.screenshot({ path: PICTURE });
} finally {
  await browser.close();
  await chat.close();
  server.closeAllConnections();
  server.close();
  process.chdir('/');
  rmSync(work, { recursive: true });
}

/** @param {object} message */
async function send(message) {
  await fetch(`${url}messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(message),
  });
}
