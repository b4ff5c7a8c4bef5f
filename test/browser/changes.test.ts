import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { FileMailboxes } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { requires } from '../support/requires.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';
import { Gate } from './gate.ts';
import { attach, fileOf } from './pictures.ts';
import {
  button,
  chatOf,
  composer,
  log,
  message,
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

const row = (page: Page, text: string) => log(page).locator('.row', { hasText: text });
const menu = (page: Page) => page.getByRole('menu');

async function choose(page: Page, text: string, action: string): Promise<void> {
  await row(page, text).locator('.bubble').click({ button: 'right' });
  await menu(page).getByRole('menuitem', { name: action, exact: true }).click();
}

/** What this browser stores of the conversations. */
const kept = (page: Page) => page.evaluate(() => JSON.stringify(Object.entries(localStorage)));

/** The rows that screen readers read out when they change, from now on. */
const readOut = (page: Page) =>
  page.evaluateHandle(() => {
    const read: string[] = [];
    const list = document.querySelector('[role=log]')!;
    new MutationObserver((changes) => {
      if (list.getAttribute('aria-live') !== 'off')
        read.push(...changes.map(({ target }) => String(target.textContent)));
    }).observe(list, { childList: true, characterData: true, subtree: true });
    return read;
  });

describe('an edit', () => {
  test('replaces the text on both pages and after a reload; the status announces it, the log does not', async () => {
    const { henry, jjeong } = await twoPeople(await serveChat());
    await write(henry, 'helo');
    await shows(jjeong, 'helo');
    const read = await readOut(jjeong);
    await composer(henry).press('ArrowUp');
    expect(await composer(henry).inputValue()).toBe('helo');

    await composer(henry).fill('hello');
    const typing = jjeong.getByText('henry is typing…');
    await typing.waitFor();
    await composer(henry).press('Enter');

    for (const page of [henry, jjeong]) await row(page, 'hello').getByText('edited').waitFor();
    expect(await typing.count()).toBe(0);
    await jjeong.getByRole('status').getByText('henry edited a message: hello').waitFor();
    expect(await read.jsonValue()).toEqual([]);
    for (const page of [henry, jjeong]) {
      await until('the old text is gone', async () => !(await kept(page)).includes('helo"'));
      await page.reload();
      await row(page, 'hello').getByText('edited').waitFor();
      expect(await row(page, 'helo').count()).toBe(0);
    }
  });

  test('leaves the draft alone, and Escape cancels it; one that the server refuses can be discarded', async () => {
    const server = await serveChat({ maxMessage: 10 });
    const henry = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    await write(henry, 'one');
    await log(henry).locator('[data-state=sent]').waitFor();
    await composer(henry).fill('a draft');

    await choose(henry, 'one', 'Edit');
    await composer(henry).fill('two');
    await composer(henry).press('Escape');

    expect(await composer(henry).inputValue()).toBe('a draft');
    await choose(henry, 'one', 'Edit');
    await write(henry, 'longer than ten');
    await row(henry, 'longer than ten').getByText('Not saved').waitFor();
    await button(henry, 'Discard').click();

    await shows(henry, 'one');
    expect(await log(henry).getByText('edited').count()).toBe(0);
  });

  test('replaces an edit that failed; files that are added meanwhile belong to the next message', async () => {
    const server = await serveChat({ maxMessage: 10 });
    const henry = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    await write(henry, 'one');
    await log(henry).locator('[data-state=sent]').waitFor();
    await choose(henry, 'one', 'Edit');
    await write(henry, 'longer than ten');
    await row(henry, 'longer than ten').getByText('Not saved').waitFor();

    await choose(henry, 'longer than ten', 'Edit');
    await attach(henry, fileOf('a.txt', Buffer.from('a')));
    await henry.locator('.tray').getByText('a.txt').waitFor({ state: 'attached' });
    expect(await henry.locator('.tray').isVisible()).toBe(false);
    await write(henry, 'short');

    await until('it is saved', async () => (await row(henry, 'short').getAttribute('data-change')) === '');
    expect(await log(henry).getByText('Not saved').count()).toBe(0);
    expect(await henry.locator('.tray').isVisible()).toBe(true);
  });

  test('of a message that was removed meanwhile is dropped, and the page says so', async () => {
    const browser = await newBrowser();
    const server = await serveChat();
    const here = await openChat(browser, chatOf(server, 'henry', 'jjeong'));
    await write(here, 'one');
    await log(here).locator('[data-state=sent]').waitFor();
    const there = await openChat(browser, chatOf(server, 'henry', 'jjeong'));
    await choose(here, 'one', 'Edit');
    await choose(there, 'one', 'Remove for everyone');
    await there.getByRole('alertdialog').getByRole('button').first().click();
    await shows(here, 'Message removed');

    await write(here, 'two');

    // Either tab may send it. The one that gets the answer shows it.
    await Promise.any([here, there].map((tab) => says(tab, 'This message is no longer kept.')));
    expect(await textsOn(here)).toEqual(['Message removed']);
  });
});

test('reactions are made with the keyboard or a click, counted, and taken back', async () => {
  const { henry, jjeong } = await twoPeople(await serveChat());
  await write(henry, 'one');
  await write(henry, 'two');
  await shows(jjeong, 'two');

  await log(jjeong).focus();
  for (const key of ['ArrowUp', 'ArrowUp', 'Enter']) await jjeong.keyboard.press(key);
  await menu(jjeong).getByRole('menuitemcheckbox', { name: '👍' }).focus();
  await jjeong.keyboard.press('Enter');
  expect(await row(jjeong, 'one').evaluate((one) => one === document.activeElement)).toBe(true);
  await row(henry, 'one').getByRole('button', { name: '👍 jjeong' }).click();
  await row(jjeong, 'one').getByRole('button', { name: '👍 You, henry' }).click();

  const own = row(henry, 'one').getByRole('button', { name: '👍 You', exact: true });
  await own.waitFor();
  await henry.reload();
  await own.click();
  for (const page of [henry, jjeong])
    await until('no reaction is left', async () => !(await page.locator('.chip').count()));

  await write(jjeong, 'read this'); // it is counted, although the log does not announce changes
  await henry.getByRole('status').getByText('1 new message').waitFor();
});

test('another tab keeps what was sent and edited, although no stream tells it', async () => {
  const server = await serveChat();
  const gate = await Gate.before(server, (stream) => stream.replaceAll('event: sent', 'event: none'));
  const browser = await newBrowser();
  const here = await openChat(browser, chatOf(gate, 'henry', 'jjeong'));
  const there = await openChat(browser, chatOf(gate, 'henry', 'jjeong'));

  await write(here, 'helo');
  await log(here).locator('[data-state=sent]').waitFor();
  await composer(here).press('ArrowUp');
  await write(here, 'hello');
  await until('it is saved', async () => (await row(here, 'hello').getAttribute('data-change')) === '');
  await composer(here).fill('a draft');
  await until('the draft is there, after all else', async () => (await composer(there).inputValue()) === 'a draft');

  expect(await textsOn(there)).toEqual(['hello']);
});

test('a right click on another message moves the menu there', async () => {
  const server = await serveChat();
  const henry = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
  for (const text of ['one', 'room for\n'.repeat(9), 'two']) await write(henry, text);
  await log(henry).locator('[data-state=sent]').nth(2).waitFor();

  for (const text of ['one', 'two']) {
    await row(henry, text).locator('.bubble').click({ button: 'right' });
    await log(henry).locator('.chosen', { hasText: text }).waitFor();
  }
  await henry.keyboard.press('Enter');

  await henry.locator('.context').getByText('two').waitFor();
});

test('a reply shows what it answers and leads there, even if that is not loaded yet', async () => {
  const server = await serveChat();
  const say = async (message: string, replyTo?: string): Promise<string> => {
    const body = JSON.stringify({ sender: 'henry', receiver: 'jjeong', message, replyTo });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(new URL('messages', server.url), { method: 'POST', headers, body });
    return ((await answer.json()) as { id: string }).id;
  };
  const first = await say('the first');
  for (let i = 0; i < 60; i += 1) await say(`${i}`);
  await say('an answer', first);
  const henry = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));

  await henry.locator('.quote', { hasText: 'Earlier message' }).click();

  await until('the first is in sight', async () => {
    const box = await row(henry, 'the first').first().boundingBox();
    return box !== null && box.y > 0;
  });
  await composer(henry).press('Escape');
  await button(henry, 'You the first').waitFor();
  await choose(henry, 'an answer', 'Reply');
  await composer(henry).fill('another answer');
  await henry.reload();
  await henry.locator('.context').getByText('an answer').waitFor();
  await composer(henry).press('Enter');
  await button(henry, 'You an answer').waitFor();
});

test('an edit and a removal wait offline, but show at once; what is removed is gone from both browsers', async () => {
  const { henry, jjeong } = await twoPeople(await serveChat());
  for (const text of ['helo', 'wrong window']) await write(henry, text);
  await shows(jjeong, 'wrong window');
  await log(jjeong).press('ArrowUp'); // gives the row a name
  await choose(jjeong, 'wrong window', 'Reply');
  await henry.context().setOffline(true);
  await says(henry, /^You're offline\./);

  await choose(henry, 'helo', 'Edit');
  await write(henry, 'hello');
  await choose(henry, 'wrong window', 'Remove for everyone');
  await henry.getByRole('alertdialog').getByRole('button').first().click();
  await shows(henry, 'hello', 'Message removed');
  await henry.context().setOffline(false);

  await shows(jjeong, 'hello', 'Message removed');
  for (const page of [henry, jjeong]) {
    await until('the text is gone', async () => !(await kept(page)).includes('wrong window'));
    expect(await page.content()).not.toContain('wrong window');
  }
});

test('on a touch screen, a long press opens the menu, and a swipe replies', async () => {
  const server = await serveChat();
  const jjeong = await openChat(await newBrowser(), chatOf(server, 'jjeong', 'henry'));
  await write(jjeong, 'touch me');
  const phone = await newBrowser({ hasTouch: true, isMobile: true, viewport: { width: 390, height: 700 } });
  const henry = await openChat(phone, chatOf(server, 'henry', 'jjeong'));
  const { x, y } = (await row(henry, 'touch me').locator('.bubble').boundingBox())!;
  const hand = await phone.newCDPSession(henry);
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...to: number[]) =>
    hand.send('Input.dispatchTouchEvent', { type, touchPoints: to.map((by) => ({ x: x + 20 + by, y: y + 20 })) });

  await touch('touchStart', 0);
  await menu(henry).waitFor();
  await touch('touchEnd');
  const resized = henry.evaluate(() => new Promise((done) => addEventListener('resize', () => setTimeout(done, 50))));
  await henry.setViewportSize({ width: 390, height: 400 }); // an on-screen keyboard opens
  await resized;
  expect(await menu(henry).getByRole('menuitem', { name: 'Reply' }).isVisible()).toBe(true);
  await henry.setViewportSize({ width: 390, height: 700 });
  await henry.keyboard.press('Escape');
  await touch('touchStart', 0);
  for (const by of [15, 30, 60, 70]) await touch('touchMove', by);
  await touch('touchEnd');

  await henry.getByText('Reply to jjeong').waitFor();
  await composer(henry).fill('I do');
  await button(henry, 'Send').click();
  await row(jjeong, 'I do').getByRole('button', { name: 'You touch me' }).waitFor();
});

test('a page offers neither files nor edits and removals where the server takes none', async () => {
  const lacks = ['edit', 'remove', 'files'] as const;
  const chat = await serveChat({ store: Object.assign(new FileMailboxes(temporaryDirectory()), { lacks }) });
  const henry = await openChat(await newBrowser(), chatOf({ url: `${chat.url}/` }, 'henry', 'jjeong'));
  await write(henry, 'stays');
  await henry.getByRole('main').getByText('Sent', { exact: true }).waitFor();

  await message(henry, 'stays').click({ button: 'right' });

  expect(await henry.getByRole('menuitem').allInnerTexts()).toEqual(['＋', 'Reply', 'Copy']);
  expect(await button(henry, 'Attach pictures or files').count()).toBe(0);
});
