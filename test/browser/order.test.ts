import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { FileMailboxes, type MailboxChatOptions } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { history, reportReceipt, say } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { Clock } from '../support/store-files.ts';
import { numbered } from '../support/store-mail.ts';
import { until } from '../support/until.ts';
import {
  button,
  chatOf,
  isReady,
  log,
  newBrowser,
  openChat,
  setTheStage,
  shows,
  textsOn,
  twoPeople,
  write,
} from './stage.ts';

const test = requires('chromium');
setTheStage();

const HOUR_MS = 60 * 60_000;

/** A chat on a computer whose clock the test moves. */
async function serveWithClock(options: MailboxChatOptions = {}): Promise<{ chat: ServedChat; clock: Clock }> {
  const clock = new Clock(Date.now());
  const dir = temporaryDirectory();
  const chat = await serveChat({ ...options, dir, store: new FileMailboxes(dir, { now: clock.now }) });
  return { chat, clock };
}

async function textsAfterReload(page: Page): Promise<string[]> {
  await page.reload();
  await isReady(page);
  return textsOn(page);
}

describe('the order of a conversation', () => {
  test('is the order of writing, at both ends and after a reload, when the clock of the server is set back', async () => {
    const { chat, clock } = await serveWithClock();
    const { henry, jjeong } = await twoPeople(chat);
    const said = ['one', 'two', 'three', 'four', 'five', 'six'];

    for (const [from, text, ms] of [
      [jjeong, 'one', 0],
      [henry, 'two', 10],
      [jjeong, 'three', 10],
      [jjeong, 'four', -HOUR_MS],
      [henry, 'five', 10],
      [jjeong, 'six', 10],
    ] as const) {
      clock.move(ms);
      await write(from, text);
      await Promise.all([shows(henry, text), shows(jjeong, text)]);
    }

    for (const page of [henry, jjeong]) {
      expect(await textsOn(page)).toEqual(said);
      expect(await textsAfterReload(page)).toEqual(said);
    }
  });

  test('is the order of writing when earlier messages are loaded after the clock of the server was set back', async () => {
    const { chat, clock } = await serveWithClock();
    const texts = numbered('message', 80);
    for (const [i, text] of texts.entries()) {
      clock.move(i === 40 ? -HOUR_MS : 1);
      const [from, to] = i % 2 && i < 39 ? (['henry', 'jjeong'] as const) : (['jjeong', 'henry'] as const);
      await say(chat, from, to, text);
    }
    const { cursor } = await history(chat, 'henry', 'jjeong');
    await reportReceipt(chat, { receiver: 'henry', sender: 'jjeong', read: cursor }); // the page opens at the end
    const page = await openChat(await newBrowser(), chatOf(chat, 'henry', 'jjeong'));

    await button(page, 'Load earlier messages').press('Enter');
    await shows(page, texts[0]!);

    expect(await textsOn(page)).toEqual(texts);
  });

  test('includes everything that comes after the clock was set back, even if there are earlier messages to load', async () => {
    const { chat, clock } = await serveWithClock();
    const texts = numbered('message', 60);
    for (const text of texts) await say(chat, 'jjeong', 'henry', text);
    const page = await openChat(await newBrowser(), chatOf(chat, 'henry', 'jjeong'));

    clock.move(-HOUR_MS);
    await say(chat, 'jjeong', 'henry', 'an hour ago');
    await shows(page, 'an hour ago');

    expect((await textsOn(page)).slice(-2)).toEqual([texts.at(-1), 'an hour ago']);
  });

  test("puts what another program writes where it arrived, whatever the browser's clock says", async () => {
    const { chat, clock } = await serveWithClock();
    const page = await openChat(await newBrowser(), chatOf(chat, 'henry', 'jjeong'));
    await page.clock.setFixedTime(Date.now() - HOUR_MS);
    const said = ['to jjeong', 'from a program', 'to jjeong again'];

    await write(page, said[0]!);
    await until('it is accepted', async () => (await history(chat, 'henry', 'jjeong')).messages.length === 1);
    clock.move(1000);
    chat.writeForeign('henry', `data: ${said[1]}\n\n`);
    await shows(page, said[1]!);
    clock.move(1000);
    await write(page, said[2]!);
    await shows(page, said[2]!);

    expect(await textsOn(page)).toEqual(said);
    expect(await textsAfterReload(page)).toEqual(said);
  });

  test('keeps an unsent message where it was written when all clocks are set back', async () => {
    const { chat, clock } = await serveWithClock({ maxMessage: 10 });
    const page = await openChat(await newBrowser(), chatOf(chat, 'henry', 'jjeong'));
    await write(page, 'the first of all');
    await log(page).getByText('Not sent').waitFor();
    await write(page, 'one');
    await shows(page, 'one');

    clock.move(-HOUR_MS);
    await page.clock.setFixedTime(clock.now());
    await write(page, 'longer than ten');
    await log(page).getByText('Not sent').nth(1).waitFor();
    await write(page, 'two');
    await shows(page, 'two');

    const texts = ['the first of all', 'one', 'longer than ten', 'two'];
    expect(await textsOn(page)).toEqual(texts);
    expect(await textsAfterReload(page)).toEqual(texts);
  });
});
