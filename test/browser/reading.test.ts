import { describe, expect } from '@jest/globals';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { history, say } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { numbered } from '../support/store-mail.ts';
import { until } from '../support/until.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import {
  chatOf,
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

async function sayAll(server: ServedChat, texts: readonly string[]): Promise<void> {
  for (const text of texts) await say(server, 'jjeong', 'henry', text);
}

const title = (count: number) => (count ? `(${count}) ` : '') + 'jjeong – Mailbox Chat';
const hasCount = (page: Page, count: number) =>
  until(`${count} unread`, async () => (await page.title()) === title(count));

/** The text below the line, if there is one. */
const belowTheLine = (page: Page): Promise<string | undefined> =>
  log(page).evaluate(
    (element) =>
      element.querySelector('.unread-line')?.nextElementSibling?.querySelector('p')?.textContent ?? undefined,
  );

const isInSight = (page: Page, text: string): Promise<boolean> =>
  message(page, text).evaluate((element) => {
    const { top, bottom } = element.getBoundingClientRect();
    const area = element.closest('[role=log]')!.getBoundingClientRect();
    return top >= area.top && bottom <= area.bottom;
  });

/** Gives the focus to another window, or back to this one. */
async function focusWindow(page: Page, how: 'here' | 'elsewhere'): Promise<void> {
  await page.evaluate((isHere) => {
    document.hasFocus = () => isHere;
    dispatchEvent(new Event(isHere ? 'focus' : 'blur'));
  }, how === 'here');
}

describe('a conversation with new messages', () => {
  test('opens at the first of them, below a line, and marks each as read once it is visible', async () => {
    const server = await serveChat();
    const texts = numbered('message', 100);
    await sayAll(server, texts.slice(0, 20));
    const page = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    await page.keyboard.press('Escape');
    await until('it is known as read', async () =>
      (await history(server, 'henry', 'jjeong')).messages.every(({ state }) => state === 'read'),
    );
    await page.close();
    await sayAll(server, texts.slice(20));

    const again = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));

    expect(await belowTheLine(again)).toBe('message 20');
    expect(await log(again).getByText('New messages', { exact: true }).isVisible()).toBe(true);
    expect(await isInSight(again, 'message 20')).toBe(true);
    expect(await isInSight(again, 'message 99')).toBe(false);
    await until('some are read', async () => /^\(\d\d\) jjeong/.test(await again.title()));
    await again.getByRole('button', { name: /^80 new messages/ }).click();
    await hasCount(again, 0);
    await write(again, 'an answer');
    await shows(again, 'an answer');
    expect(await belowTheLine(again)).toBe(undefined);
  });

  test('is reported as read only up to the last message that was visible', async () => {
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);
    for (const text of numbered('message', 40)) await write(jjeong, text);
    await shows(henry, 'message 39');
    await says(jjeong, 'Read');
    await log(henry).evaluate((element) => element.scrollTo(0, 0));

    await write(jjeong, 'one more');
    await shows(henry, 'one more');
    await says(jjeong, 'Delivered');
    await write(jjeong, 'marker');
    await shows(henry, 'marker');
    await says(jjeong, 'Delivered');
    const { messages } = await history(server, 'henry', 'jjeong');
    expect(messages.map(({ state }) => state).slice(-3)).toEqual(['read', 'delivered', 'delivered']);

    await log(henry).evaluate((element) => element.scrollTo(0, element.scrollHeight));
    await says(jjeong, 'Read');
  });

  test('does not count as read while another window has the focus, and shows a line above new messages', async () => {
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);
    await write(jjeong, 'before');
    await says(jjeong, 'Read');

    await focusWindow(henry, 'elsewhere');
    await write(jjeong, 'meanwhile');
    await shows(henry, 'meanwhile');
    await says(jjeong, 'Delivered');
    await hasCount(henry, 1);
    expect(await belowTheLine(henry)).toBe('meanwhile');

    await focusWindow(henry, 'here');
    await says(jjeong, 'Read');
    await hasCount(henry, 0);
  });

  test('stays at the line when more messages come than fit while nobody looks', async () => {
    const server = await serveChat();
    const { henry } = await twoPeople(server);
    await sayAll(server, ['before']);
    await shows(henry, 'before');
    await look(henry, 'away');

    await sayAll(server, numbered('message', 60));
    await shows(henry, 'message 59');
    await hasCount(henry, 60);
    await look(henry, 'at it');

    expect(await isInSight(henry, 'message 0')).toBe(true);
    expect(await isInSight(henry, 'message 59')).toBe(false);
  });
});

describe('somebody who scrolls up', () => {
  test('gets earlier messages automatically, back to the beginning', async () => {
    const server = await serveChat();
    const texts = numbered('message', 230);
    const frames = texts.map((text) => `data: ${text}\n\n`).join('');
    appendFileSync(join(server.dir, 'henry.txt'), frames);
    const page = await openChat(await newBrowser({ reducedMotion: 'reduce' }), chatOf(server, 'henry', 'jjeong'));
    await page.keyboard.press('Escape');

    await until('the beginning', async () => {
      await log(page).hover();
      await page.mouse.wheel(0, -400);
      return page.getByText('This is the beginning').isVisible();
    });

    expect(await textsOn(page)).toEqual(texts);
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('m'); // the focus has not moved
  });
});

describe('days and times', () => {
  test('are grouped again at midnight and when the time zone changes', async () => {
    const server = await serveChat();
    const page = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    const browser = await page.context().newCDPSession(page);
    await browser.send('Emulation.setTimezoneOverride', { timezoneId: 'Asia/Seoul' });
    await page.reload();
    await isReady(page);
    await write(page, 'one');
    await page.getByText('Sent', { exact: true }).waitFor();
    const days = () => log(page).locator('.day').allInnerTexts();
    const shownTime = () => log(page).locator('time').first().innerText();
    const zoned = (timeZone: string, ms: number) =>
      new Intl.DateTimeFormat('en-US', { hour: 'numeric', minute: '2-digit', timeZone }).format(ms);
    const ms = await log(page)
      .locator('time')
      .first()
      .evaluate((time: HTMLTimeElement) => Date.parse(time.dateTime));
    expect(await days()).toEqual(['Today']);
    expect(await shownTime()).toBe(zoned('Asia/Seoul', ms));

    await browser.send('Emulation.setTimezoneOverride', { timezoneId: '' });
    await browser.send('Emulation.setTimezoneOverride', { timezoneId: 'America/Phoenix' });
    await page.evaluate(() => dispatchEvent(new Event('focus')));
    await until('the other zone', async () => (await shownTime()) === zoned('America/Phoenix', ms));
    await page.clock.install({ time: ms });
    await page.reload();
    await isReady(page);
    const hourMs = 3_600_000;
    const sinceMidnightMs = (ms - 7 * hourMs) % (24 * hourMs); // Phoenix is 7 hours behind UTC all year round
    await page.clock.fastForward(25 * hourMs - sinceMidnightMs);
    await until('another day', async () => (await days())[0] === 'Yesterday');
  });

  test("are those of the server once a message is stored, whatever the browser's clock says", async () => {
    const server = await serveChat();
    const context = await newBrowser();
    await context.addInitScript(() => {
      const now = Date.now;
      Date.now = () => now() - 7 * 60_000;
    });
    const page = await openChat(context, chatOf(server, 'henry', 'jjeong'));
    const timesOn = () =>
      log(page)
        .locator('time')
        .evaluateAll((all) => all.map((time) => (time as HTMLTimeElement).dateTime));

    await write(page, 'mine');
    await page.getByText('Sent', { exact: true }).waitFor();
    appendFileSync(join(server.dir, 'henry.txt'), '\n\ndata: from a file\n\n');
    await shows(page, 'from a file');
    const live = await timesOn();
    await page.reload();
    await isReady(page);
    const reloaded = await timesOn();

    expect(live[0]).toBe(reloaded[0]);
    const apart = live.map((time, i) => Math.abs(Date.parse(time) - Date.parse(reloaded[i]!)));
    expect(Math.max(...apart)).toBeLessThanOrEqual(1000); // foreign text gets another time when its file moves to the log
    expect(await textsOn(page)).toEqual(['mine', 'from a file']);
  });
});

describe('notifications', () => {
  /** The title and text of every notification that pages of this browser show. */
  async function listening(server: ServedChat): Promise<{ pages: Page[]; told: () => Promise<string[]> }> {
    const context = await newBrowser();
    await context.grantPermissions(['notifications']);
    await context.addInitScript(() => {
      if (location.protocol === 'http:') localStorage.setItem('mailbox-chat.notifications/henry', 'on');
      Object.assign(globalThis, { told: [] });
      const Told = class extends EventTarget {
        static permission = 'granted';
        constructor(title: string, { body }: { body: string }) {
          super();
          (globalThis as unknown as { told: string[] }).told.push(`${title}: ${body}`);
        }
        close(): void {}
      };
      Object.assign(globalThis, { Notification: Told });
    });
    const pages: Page[] = [];
    for (const other of ['jjeong', 'mina']) pages.push(await openChat(context, chatOf(server, 'henry', other)));
    const told = async () =>
      (await Promise.all(pages.map((page) => page.evaluate(() => Reflect.get(globalThis, 'told') as string[])))).flat();
    return { pages, told };
  }

  test('come once for one message when two chats are open and nobody looks at either', async () => {
    const server = await serveChat({ people: ['henry', 'jjeong', 'mina'] });
    const { pages, told } = await listening(server);
    for (const page of pages) await look(page, 'away');

    await say(server, 'mina', 'henry', 'psst');
    await shows(pages[1]!, 'psst');
    await until('one is told', async () => (await told()).length > 0);
    await say(server, 'jjeong', 'henry', 'marker');
    await until('the other is told', async () => (await told()).includes('jjeong: marker'));

    expect((await told()).toSorted()).toEqual(['jjeong: marker', 'mina: psst']);
  });

  test('do not come for messages that are being read in another tab', async () => {
    const server = await serveChat({ people: ['henry', 'jjeong', 'mina'] });
    const { pages, told } = await listening(server);
    await look(pages[0]!, 'away'); // somebody looks at the chat with mina

    await say(server, 'mina', 'henry', 'psst');
    await shows(pages[1]!, 'psst');
    await say(server, 'jjeong', 'henry', 'marker');
    await until('the other is told', async () => (await told()).includes('jjeong: marker'));

    expect(await told()).toEqual(['jjeong: marker']);
  });
});
