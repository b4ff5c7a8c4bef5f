import { describe, expect } from '@jest/globals';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { temporaryDirectory } from '../command/running.ts';
import { requires } from '../support/requires.ts';
import { Clock } from '../support/store-files.ts';
import { numbered } from '../support/store-mail.ts';
import { until } from '../support/until.ts';
import { serveChat } from '../support/serve-chat.ts';
import {
  button,
  chatOf,
  composer,
  isReady,
  log,
  look,
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

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const [henry, jjeong] = [mailboxName('henry'), mailboxName('jjeong')];

/** Messages of henry and jjeong in turn, one every `everyMs`, the last one an hour ago. */
async function conversation(
  texts: readonly string[],
  everyMs = 1000,
  endMs = Date.now() - 60 * MINUTE_MS,
): Promise<string> {
  const dir = temporaryDirectory();
  const clock = new Clock(endMs - everyMs * texts.length);
  const store = new FileMailboxes(dir, { now: clock.now });
  for (const [i, message] of texts.entries()) {
    clock.move(everyMs);
    const [sender, receiver] = i % 2 ? [henry, jjeong] : [jjeong, henry];
    await store.append(receiver, { sender, receiver, message, key: `key ${i}` });
  }
  await readAll(store);
  return dir;
}

/** Marks all mail to henry as read, so that his page opens at the end. */
async function readAll(store: FileMailboxes): Promise<void> {
  await store.mark(henry, 'read:jjeong', (await store.ends(henry)).newest);
  await store.close();
}

/** Messages of jjeong to henry, all at the same time. */
async function monologue(texts: readonly string[]): Promise<string> {
  const dir = temporaryDirectory();
  const store = new FileMailboxes(dir);
  const sent = texts.map((message) => store.append(henry, { sender: jjeong, receiver: henry, message, key: message }));
  await Promise.all(sent);
  await readAll(store);
  return dir;
}

/** How far the log is scrolled up from its end, in pixels. */
const toTheEnd = (page: Page): Promise<number> =>
  log(page).evaluate((element) => Math.round(element.scrollHeight - element.scrollTop - element.clientHeight));

const scrollUp = (page: Page, pixels: number) => log(page).evaluate((element, by) => element.scrollBy(0, -by), pixels);

describe('a long conversation', () => {
  test('loads fifty messages at a time back to its beginning, none missing or repeated', async () => {
    const texts = numbered('message', 230);
    const server = await serveChat({ dir: await conversation(texts) });
    const still = await newBrowser({ reducedMotion: 'reduce' }); // rows that slide in have no place yet
    const page = await openChat(still, chatOf(server, 'henry', 'jjeong'));
    expect(await textsOn(page)).toEqual(texts.slice(-50));
    expect(await toTheEnd(page)).toBe(0);

    for (const count of [100, 150, 200, 230]) {
      const first = message(page, texts[texts.length - (count === 230 ? 200 : count - 50)]!);
      const above = await log(page).evaluate((element) => element.scrollTop);
      const before = (await first.boundingBox())!.y + above;
      await log(page).evaluate((element) => element.scrollTo(0, 0));
      await until('earlier messages', async () => (await textsOn(page)).length === count);
      expect(Math.abs((await first.boundingBox())!.y - before)).toBeLessThan(2); // what was being read does not move
    }
    await says(page, 'This is the beginning');

    expect(await textsOn(page)).toEqual(texts);
    expect(await button(page, 'Load earlier messages').isVisible()).toBe(false);
    await write(page, 'marker');
    await shows(page, 'marker');
    expect(await toTheEnd(page)).toBe(0);
  });

  test('is grouped by day, each with a heading', async () => {
    const noon = new Date().setHours(12, 0, 0, 0);
    const dir = await conversation(['the day before', 'yesterday', 'today'], DAY_MS, noon);
    const server = await serveChat({ dir });
    const page = await openChat(
      await newBrowser({ timezoneId: process.env['TZ'] ?? 'UTC' }),
      chatOf(server, 'henry', 'jjeong'),
    );
    await page.clock.setFixedTime(noon + MINUTE_MS);
    await page.reload();
    await isReady(page);
    const dayBefore = new Intl.DateTimeFormat('en-US', { dateStyle: 'full' }).format(noon - 2 * DAY_MS);

    const lines = (await log(page).locator('li').allInnerTexts()).map((line) => line.split('\n'));

    expect(lines.map((line) => line.filter((word) => word && !/^(You|jjeong|\d+:\d\d.*)$/.test(word)).join())).toEqual([
      dayBefore,
      'the day before',
      'Yesterday',
      'yesterday',
      'Today',
      'today',
    ]);
    await button(page, '한').click();
    await log(page).getByText('어제', { exact: true }).waitFor();
    expect(await log(page).locator('li').first().innerText()).toMatch(/^\d{4}년 \d+월 \d+일 .요일$/);
    expect(await log(page).locator('time').first().innerText()).toMatch(/^오후 12:00$/);
  });

  test('of 5,000 messages opens at once, and scrolling and writing stay quick', async () => {
    const texts = numbered('message', 5000);
    const server = await serveChat({ dir: await monologue(texts) });
    const context = await newBrowser();
    await context.addInitScript(() => {
      const look = new MutationObserver(() => {
        if (!document.querySelector('[role=log] li')) return;
        look.disconnect();
        requestAnimationFrame(() => performance.mark('shown'));
      });
      look.observe(document, { childList: true, subtree: true });
    });
    const page = await openChat(context, chatOf(server, 'henry', 'jjeong'));

    await page.reload();
    await shows(page, texts.at(-1)!);
    const shownMs = await page.evaluate(() => Math.round(performance.getEntriesByName('shown')[0]!.startTime));
    const rows = log(page).getByRole('listitem');
    const earlier = button(page, 'Load earlier messages');
    let loaded = await textsOn(page);
    while (loaded.length < 300 || !loaded.includes(texts[4300]!)) {
      const first = loaded[0];
      await earlier.press('Enter');
      await until('earlier messages', async () => (loaded = await textsOn(page))[0] !== first);
    }
    expect(await rows.count()).toBeLessThanOrEqual(310);

    await composer(page).evaluate((box) => {
      const painted = ({ timeStamp }: Event) =>
        requestAnimationFrame(() => performance.measure('key', { start: timeStamp }));
      box.addEventListener('input', painted, { once: true });
    });
    await composer(page).press('x');
    const keyMs = await until('the key', () =>
      page.evaluate(() => Math.ceil(performance.getEntriesByName('key')[0]?.duration ?? 0)),
    );
    console.info(`5,000 messages: shown after ${shownMs} ms, a key in ${keyMs} ms`);

    expect(shownMs).toBeLessThan(3000); // ten times what a person would notice
    expect(keyMs).toBeLessThan(500);
    await page.keyboard.press('Escape'); // to the newest
    await shows(page, texts.at(-1)!);
    expect(await composer(page).evaluate((box) => box === document.activeElement)).toBe(true);
    expect(await rows.count()).toBeLessThanOrEqual(310);
  });

  test('that gets 3,000 messages while somebody reads keeps few rows, and the newest visible', async () => {
    const texts = numbered('live', 3000);
    const server = await serveChat();
    const { henry: page } = await twoPeople(server);

    for (let i = 0; i < texts.length; i += 100) {
      const some = texts.slice(i, i + 100).map((text) => `data: ${text}\n\n`);
      appendFileSync(join(server.dir, 'henry.txt'), some.join(''));
    }
    await shows(page, texts.at(-1)!);

    expect(await log(page).getByRole('listitem').count()).toBeLessThanOrEqual(310);
    expect(await textsOn(page)).toEqual(texts.slice(-300));
    expect(await toTheEnd(page)).toBe(0);
    await write(page, 'still quick');
    await shows(page, 'still quick');
  });
});

describe('somebody who has scrolled up', () => {
  test('is not moved by new messages, sees how many there are, and reaches them with one press', async () => {
    const server = await serveChat({ dir: await conversation(numbered('message', 40)) });
    const { henry: page, jjeong: other } = await twoPeople(server);
    await page.emulateMedia({ reducedMotion: 'reduce' }); // rows that slide in have no place yet
    await scrollUp(page, 600);
    const place = message(page, 'message 22');
    const before = (await place.boundingBox())!.y;

    await write(other, 'one');
    await button(page, /^1 new message/).waitFor();
    for (const text of ['two', 'three']) await write(other, text);
    await button(page, /^3 new messages/).waitFor();
    expect(Math.abs((await place.boundingBox())!.y - before)).toBeLessThan(1);

    await button(page, /^3 new messages/).press('Enter');
    await until('the newest in sight', async () => (await toTheEnd(page)) === 0);
    expect(await button(page, /new message/).isVisible()).toBe(false);
    expect(await log(page).evaluate((element) => element === document.activeElement)).toBe(true);
    await write(other, 'four'); // at the end again, the log follows new messages
    await shows(page, 'four');
    expect(await toTheEnd(page)).toBe(0);
  });

  test('returns to the newest message and the box with Escape', async () => {
    const server = await serveChat({ dir: await conversation(numbered('message', 40)) });
    const page = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    await scrollUp(page, 800);
    await log(page).focus();

    await page.keyboard.press('Escape');

    await until('the newest in sight', async () => (await toTheEnd(page)) === 0);
    expect(await composer(page).evaluate((box) => box === document.activeElement)).toBe(true);
  });

  test('still sees the newest message when the window shrinks and when the box grows', async () => {
    const server = await serveChat({ dir: await conversation(numbered('message', 40)) });
    const page = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));

    await page.setViewportSize({ width: 390, height: 400 }); // as when an on-screen keyboard opens
    await until('the newest in sight', async () => (await toTheEnd(page)) === 0);
    // A scroll event is under way while the box grows, as happens when somebody types at once.
    await composer(page).evaluate((box: HTMLTextAreaElement) => {
      box.value = 'a\nb\nc\nd\ne';
      box.dispatchEvent(new InputEvent('input', { bubbles: true }));
      document.querySelector('[role=log]')!.dispatchEvent(new Event('scroll'));
    });

    await until('the newest in sight', async () => (await toTheEnd(page)) === 0);
    expect((await composer(page).boundingBox())!.height).toBeGreaterThan(100);

    // A layout may move the log up a little before it grows.
    await log(page).evaluate((element) => {
      element.scrollTop -= 50;
      const list = element.querySelector('ol')!;
      list.style.minHeight = `${list.offsetHeight + 300}px`;
      element.dispatchEvent(new Event('scroll'));
    });
    await until('the newest in sight', async () => (await toTheEnd(page)) === 0);
  });
});

describe('somebody who looks at another tab', () => {
  test('sees the count in the title and a changed icon until they come back', async () => {
    const { henry: page, jjeong: other } = await twoPeople(await serveChat());
    expect(await page.title()).toBe('jjeong – Mailbox Chat');
    const icon = page.locator('link[rel=icon]');
    await look(page, 'away');

    for (const text of ['one', 'two', 'three']) await write(other, text);
    await until('the count', async () => (await page.title()) === '(3) jjeong – Mailbox Chat');
    expect(await icon.getAttribute('href')).toBe('favicon-unread.svg');
    await says(other, 'Delivered');
    await look(page, 'at it');
    await says(other, 'Read');

    expect(await page.title()).toBe('jjeong – Mailbox Chat');
    expect(await icon.getAttribute('href')).toBe('favicon.svg');
  });

  test('is not disturbed when a third person writes: the title and the picker count those messages', async () => {
    const server = await serveChat({ people: ['henry', 'jjeong', 'mina'] });
    const { henry: page, jjeong: other } = await twoPeople(server);
    const mina = await openChat(await newBrowser(), chatOf(server, 'mina', 'henry'));
    const picker = await page.context().newPage();
    await picker.goto(server.url);
    await picker.getByRole('combobox', { name: 'You are' }).selectOption('henry');

    for (const text of ['psst', 'henry!']) await write(mina, text);
    await until('the count', async () => (await page.title()) === '(2) jjeong – Mailbox Chat');
    await page.getByText('2 unread messages').waitFor({ state: 'attached' });
    const entry = picker.getByRole('link', { name: /mina/ });
    await entry.getByText('2 unread messages').waitFor({ state: 'attached' });
    await entry.getByText('henry!').waitFor();
    await write(other, 'marker');
    await shows(page, 'marker');
    expect(await textsOn(page)).toEqual(['marker']);

    await entry.click();
    await picker.waitForURL(/with=mina/);
    await shows(picker, 'psst', 'henry!');
    await until('nothing unread', async () => (await page.title()) === 'jjeong – Mailbox Chat');
  });
});

describe('what a person does', () => {
  test('is shown to the other: online, typing, away, and when last seen', async () => {
    const server = await serveChat();
    const { henry: page, jjeong: other } = await twoPeople(server);
    await page.getByRole('banner').getByText('Online').waitFor();

    await composer(other).pressSequentially('hm');
    await page.getByText('jjeong is typing…').waitFor();
    expect(await log(page).getByText('typing').count()).toBe(0);
    await composer(other).press('Enter');
    await shows(page, 'hm');
    await page.getByText('jjeong is typing…').waitFor({ state: 'detached' });
    await other.close();
    await page
      .getByRole('banner')
      .getByText(/^Last seen \d+:\d\d.[AP]M$/)
      .waitFor();
  });
});
