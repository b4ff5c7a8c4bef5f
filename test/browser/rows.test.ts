import { describe, expect } from '@jest/globals';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { requires } from '../support/requires.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { button, chatOf, log, newBrowser, openChat, setTheStage, shows, write } from './stage.ts';

const test = requires('chromium');
setTheStage();

const bubble = (page: Page): Locator => log(page).locator('li p').first();
const heightOf = async (one: Locator): Promise<number> => (await one.boundingBox())!.height;

async function chatting(): Promise<{ server: ServedChat; page: Page }> {
  const server = await serveChat();
  return { server, page: await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong')) };
}

describe('a very long message', () => {
  test('is folded until the reader unfolds it', async () => {
    const { page } = await chatting();
    const lines = Array.from({ length: 60 }, (_, n) => `line ${n}`).join('\n');

    await write(page, lines);
    await button(page, 'Read more').waitFor();
    const folded = await heightOf(bubble(page));
    await button(page, 'Read more').press('Enter');
    const whole = await heightOf(bubble(page));
    await button(page, 'Show less').press('Enter');

    expect(whole).toBeGreaterThan(3 * folded);
    expect(await heightOf(bubble(page))).toBeCloseTo(folded);
    expect(await bubble(page).textContent()).toBe(lines);
  });

  test('from a file is complete once it is unfolded, and the keyboard reaches its links', async () => {
    const { server, page } = await chatting();
    const text = `${'word '.repeat(150_000)}https://example.com/end`;

    appendFileSync(join(server.dir, 'henry.txt'), `\n\ndata: ${text}\n\n`);
    await button(page, 'Read more').waitFor();
    expect((await bubble(page).textContent())!.length).toBeLessThan(30_000);
    await button(page, 'Read more').click();

    expect(await bubble(page).textContent()).toBe(text);
    expect(await bubble(page).getByRole('link').getAttribute('href')).toBe('https://example.com/end');
  });
});

describe('a message', () => {
  test('with stacked combining marks stays within its row', async () => {
    const { page } = await chatting();

    await write(page, `a${'\u0301'.repeat(200)}`);
    await write(page, 'below');
    await shows(page, 'below');

    expect(await bubble(page).evaluate((element) => getComputedStyle(element).overflow)).toBe('clip');
    expect(await heightOf(bubble(page))).toBeLessThan(60);
  });

  for (const text of ['❤', '☺', '👍', '👨‍👩‍👧‍👦', '🇰🇷', '1️⃣', '😀😀😀😀😀', '😀 ❤️\n👍🏽']) {
    test(`of emoji alone is large: ${text}`, async () => {
      const { page } = await chatting();

      await write(page, text);
      await bubble(page).waitFor();

      expect(await bubble(page).evaluate((element) => parseFloat(getComputedStyle(element).fontSize))).toBeGreaterThan(
        30,
      );
    });
  }

  for (const text of ['1', '©', '→', '😀 hi', '#']) {
    test(`with signs or words is not: ${text}`, async () => {
      const { page } = await chatting();

      await write(page, text);
      await bubble(page).waitFor();

      expect(await bubble(page).evaluate((element) => parseFloat(getComputedStyle(element).fontSize))).toBeLessThan(20);
    });
  }

  test('in Korean breaks between words on an English page', async () => {
    const { page } = await chatting();

    await write(page, '동해 물과 백두산이 마르고 닳도록');
    await bubble(page).waitFor();

    expect(await bubble(page).getAttribute('lang')).toBe('ko');
    expect(await bubble(page).evaluate((element) => getComputedStyle(element).wordBreak)).toBe('keep-all');
  });
});
