import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { history } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import {
  button,
  chatOf,
  composer,
  isReady,
  log,
  look,
  newBrowser,
  openChat,
  setTheStage,
  shows,
  textsOn,
  write,
} from './stage.ts';

const test = requires('chromium');
setTheStage();

const hasText = (page: Page, text: string) =>
  until(`"${text}" in the box`, async () => (await composer(page).inputValue()) === text);
const isFocused = (page: Page) => composer(page).evaluate((box) => box === document.activeElement);

async function storedTexts(server: ServedChat): Promise<string[]> {
  const { messages } = await history(server, 'henry', 'jjeong');
  return messages.map(({ message }) => message);
}

describe('the box', () => {
  test('has the focus when a chat opens, and what is typed elsewhere goes into it', async () => {
    const server = await serveChat();
    const page = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    expect(await isFocused(page)).toBe(true);

    await log(page).focus();
    await page.keyboard.type('hi there');
    await hasText(page, 'hi there');
    await button(page, '한').focus();
    await page.keyboard.press('!');
    await hasText(page, 'hi there!');
    await log(page).focus();
    await page.keyboard.press('Control+c'); // a command, not text

    expect(await isFocused(page)).toBe(false);
    expect(await composer(page).getAttribute('dir')).toBe('auto');
  });

  test('does not take the focus where an on-screen keyboard would cover the chat', async () => {
    const server = await serveChat();
    const onGlass = await newBrowser({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    const page = await openChat(onGlass, chatOf(server, 'henry', 'jjeong'));

    expect(await isFocused(page)).toBe(false);
    expect(await composer(page).getAttribute('enterkeyhint')).toBe('enter');
  });

  test('sends with Enter on a keyboard attached to a phone', async () => {
    const server = await serveChat();
    const onGlass = await newBrowser({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    const page = await openChat(onGlass, chatOf(server, 'henry', 'jjeong'));

    await composer(page).pressSequentially('one');
    await composer(page).press('Shift+Enter');
    await composer(page).pressSequentially('more');
    await composer(page).press('Enter'); // a key with a code is a physical one
    await until('it is sent', async () => (await storedTexts(server)).length === 1);

    expect(await storedTexts(server)).toEqual(['one\nmore']);
  });

  test('keeps the indentation of the first line, and drops blank lines around the text and spaces at its end', async () => {
    const server = await serveChat();
    const page = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    const texts = [
      ['    if a:\n        b()\n    c()', '    if a:\n        b()\n    c()'],
      ['\n \n\t  code()  \n\n', '\t  code()'],
      ['  hi', '  hi'],
      ['hi  \n', 'hi'],
    ] as const;

    for (const [text] of texts) await write(page, text);
    await until('they are sent', async () => (await storedTexts(server)).length === texts.length);

    const sent = texts.map(([, text]) => text);
    expect(await storedTexts(server)).toEqual(sent);
    expect(await log(page).locator('li p').allTextContents()).toEqual(sent);
  });
});

describe('a draft', () => {
  async function twoTabs(server: ServedChat): Promise<[Page, Page]> {
    const context = await newBrowser();
    const address = chatOf(server, 'henry', 'jjeong');
    return [await openChat(context, address), await openChat(context, address)];
  }

  test('appears in every tab of its conversation, and disappears from all of them when it is sent', async () => {
    const server = await serveChat();
    const [one, two] = await twoTabs(server);

    await composer(one).fill('half a sentence');
    await hasText(two, 'half a sentence');
    await composer(two).press('End');
    await composer(two).pressSequentially(', whole');
    await hasText(one, 'half a sentence, whole');
    await composer(one).press('Enter');
    await hasText(two, '');
    await Promise.all([one.reload(), two.reload()]);
    await Promise.all([isReady(one), isReady(two)]);

    for (const page of [one, two]) expect(await composer(page).inputValue()).toBe('');
    await until('it is stored', async () => (await storedTexts(server)).length > 0);
    expect(await storedTexts(server)).toEqual(['half a sentence, whole']);
  });

  test('survives when an empty tab is closed', async () => {
    const server = await serveChat();
    const [one, two] = await twoTabs(server);
    await two.evaluate(() =>
      addEventListener('storage', (event) => event.stopImmediatePropagation(), { capture: true }),
    );

    await composer(one).fill('not yet');
    await until('it is kept', () =>
      one.evaluate(() => Object.keys(localStorage).some((key) => key.startsWith('mailbox-chat.draft/'))),
    );
    await two.close();
    await one.reload();

    await hasText(one, 'not yet');
  });

  test('that was sent does not come back in a tab that was suspended', async () => {
    const server = await serveChat();
    const [one, two] = await twoTabs(server);
    await composer(one).fill('sent soon');
    await hasText(two, 'sent soon');
    await look(two, 'away');
    // A suspended tab hears nothing from the other one.
    await two.evaluate(() =>
      addEventListener('storage', (event) => event.stopImmediatePropagation(), { capture: true }),
    );

    await composer(one).press('Enter');
    await shows(one, 'sent soon');
    await look(two, 'at it');

    await hasText(two, '');
    await two.reload();
    await isReady(two);
    expect(await composer(two).inputValue()).toBe('');
  });

  test('that two tabs begin at the same time stays in both', async () => {
    const server = await serveChat();
    const [one, two] = await twoTabs(server);
    // What a tab stores takes a moment to reach the others.
    await two.evaluate(() => {
      const original = Object.getOwnPropertyDescriptor(Storage.prototype, 'getItem')!;
      Object.defineProperty(Storage.prototype, 'getItem', { ...original, value: () => null });
      const heard = () => Object.defineProperty(Storage.prototype, 'getItem', original);
      document.addEventListener('visibilitychange', heard, { once: true });
    });

    await composer(one).fill('from one');
    await look(one, 'away'); // stores the draft at once
    await composer(two).fill('from two');
    await look(two, 'away');
    for (const tab of [one, two]) await look(tab, 'at it');

    await hasText(one, 'from one');
    await hasText(two, 'from two');
    for (const tab of [one, two]) await composer(tab).press('Enter');
    await until('both are sent', async () => (await storedTexts(server)).length === 2);
    expect((await storedTexts(server)).toSorted()).toEqual(['from one', 'from two']);
  });

  test('that was sent does not come back with the Back button, nor when sending failed', async () => {
    const server = await serveChat({ maxMessage: 10 });
    const page = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
    await write(page, 'short');
    await page.getByText('Sent', { exact: true }).waitFor();
    await write(page, 'longer than ten');
    await log(page).getByText('Not sent').waitFor();

    await page.goto(server.url);
    await page.goBack();
    await isReady(page);

    expect(await composer(page).inputValue()).toBe('');
    expect(await textsOn(page)).toEqual(['short', 'longer than ten']);
  });

  test('that two tabs send at once is sent once by each that shows it', async () => {
    const server = await serveChat();
    const [one, two] = await twoTabs(server);
    await composer(one).fill('once');
    await hasText(two, 'once');

    await composer(one).press('Enter');
    await composer(two).press('Enter');
    // Either tab may have sent it; each sends in order.
    await write(one, 'the last of one');
    await write(two, 'the last of two');
    await until('both are stored', async () => {
      const stored = await storedTexts(server);
      return stored.includes('the last of one') && stored.includes('the last of two');
    });

    const stored = await storedTexts(server);
    expect(stored.toSorted()).toEqual(['once', 'the last of one', 'the last of two']);
    await until('two shows the same', async () => (await textsOn(two)).join() === stored.join());
  });

  test('that a second tab sends before it hears of the first is stored once', async () => {
    const server = await serveChat();
    const [one, two] = await twoTabs(server);
    await composer(one).fill('once');
    await hasText(two, 'once');
    await two.evaluate(() => {
      // It sees what was stored until now, and what it stores itself.
      const known = new Map(Object.entries(localStorage));
      const getItem = localStorage.getItem.bind(localStorage);
      const setItem = localStorage.setItem.bind(localStorage);
      Storage.prototype.getItem = (key) => known.get(key) ?? getItem(key);
      Storage.prototype.setItem = (key, value) => {
        known.delete(key);
        setItem(key, value);
      };
      addEventListener('storage', (event) => event.stopImmediatePropagation(), { capture: true });
    });

    await composer(one).press('Enter');
    await composer(two).press('Enter');
    for (const tab of [one, two]) await write(tab, 'once'); // a new text, not the shared draft
    await until('all are stored', async () => (await storedTexts(server)).length >= 3);
    await write(two, 'end');
    await until('the end', async () => (await storedTexts(server)).includes('end'));

    expect(await storedTexts(server)).toEqual(['once', 'once', 'once', 'end']);
  });
});

test('texts written in two tabs at the same time are both sent', async () => {
  const server = await serveChat();
  const context = await newBrowser();
  const address = chatOf(server, 'henry', 'jjeong');
  const [one, two] = [await openChat(context, address), await openChat(context, address)];

  await Promise.all([composer(one).fill('from one'), composer(two).fill('from two')]);
  for (const tab of [one, two]) await look(tab, 'away'); // stores the draft at once
  for (const tab of [one, two]) await look(tab, 'at it');
  await composer(one).press('Enter');
  await composer(two).press('Enter');

  await shows(one, 'from one', 'from two');
  await until('both are stored', async () => (await storedTexts(server)).length >= 2);
  expect((await storedTexts(server)).toSorted()).toEqual(['from one', 'from two']);
});

test('an unsent message that is deleted comes back with Undo', async () => {
  const server = await serveChat({ maxMessage: 10 });
  const page = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeong'));
  await write(page, 'longer than ten');
  await log(page).getByText('Not sent').waitFor();

  await button(page, 'Delete').click();
  await log(page).getByText('Not sent').waitFor({ state: 'detached' });
  expect(await page.getByRole('status').innerText()).toBe('Message deleted.');
  await button(page, 'Undo').click();
  await log(page).getByText('Not sent').waitFor();

  expect(await textsOn(page)).toEqual(['longer than ten']);
  expect(await button(page, 'Undo').isVisible()).toBe(false);
  await button(page, 'Delete').click();
  await page.reload();
  await isReady(page);
  expect(await textsOn(page)).toEqual([]);
});
