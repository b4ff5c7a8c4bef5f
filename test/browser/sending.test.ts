import { describe, expect } from '@jest/globals';
import type { Locator, Page } from 'playwright-core';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { serveChat } from '../support/serve-chat.ts';
import { Gate, type Passage } from './gate.ts';
import {
  Server,
  button,
  chatOf,
  composer,
  isReady,
  log,
  message,
  newBrowser,
  openChat,
  says,
  setTheStage,
  shows,
  textsOn,
  tryNow,
  twoPeople,
  write,
} from './stage.ts';

const test = requires('chromium');
setTheStage();

const posts = (path: string, method: string): boolean => method === 'POST' && path.startsWith('/messages');

/** The state of the last message, as the page of its sender shows it. */
const receipt = (page: Page, text: string | RegExp) => page.getByRole('main').getByText(text, { exact: true });

const MINUTE_MS = 60_000;

const leftOf = (part: Locator): Promise<number> => part.evaluate((element) => element.getBoundingClientRect().left);

const asksHistory = (path: string): boolean => path.startsWith('/history');

/** Henry, whose clock the test can put forward, has written one and two without a connection. */
async function twoWaiting(gate: Gate): Promise<{ henry: Page; jjeong: Page }> {
  const { henry, jjeong } = await twoPeople(gate);
  await henry.clock.install();
  await henry.reload();
  await isReady(henry);
  breakOff(gate);
  for (const text of ['one', 'two']) await write(henry, text);
  await receipt(henry, 'Waiting to send').waitFor();
  return { henry, jjeong };
}

/** The pages still load, but nothing else is answered. */
function breakOff(gate: Gate, sending: Passage = 'refused'): void {
  gate.rule = (path) => {
    if (path.startsWith('/messages')) return sending;
    return /^\/(status|history|people|receipts)\b/.test(path) ? 'refused' : 'through';
  };
  gate.cut();
}

async function choose(page: Page, text: string, action: string): Promise<void> {
  await message(page, text).click({ button: 'right' });
  await page.getByRole('menuitem', { name: action }).click();
}

describe('a message on the page of its sender', () => {
  test('is shown at once as Sending…, then as Sent, Delivered and Read', async () => {
    const gate = await Gate.before(await serveChat());
    const henry = await openChat(await newBrowser(), chatOf(gate, 'henry', 'jjeong'));
    gate.rule = (path, method) => (posts(path, method) ? 'held' : 'through');

    await write(henry, 'hello?');
    await shows(henry, 'hello?');
    await receipt(henry, 'Sending…').waitFor();

    gate.rule = () => 'through';
    await receipt(henry, 'Sent').waitFor();

    const atJjeongs = await newBrowser();
    const jjeong = await openChat(atJjeongs, chatOf(gate, 'jjeong', 'mina')); // she looks at another chat
    await receipt(henry, 'Delivered').waitFor();

    await jjeong.goto(chatOf(gate, 'jjeong', 'henry'));
    await receipt(henry, 'Read').waitFor();
  });

  test('shows Not sent when the server refuses it; Retry sends it with the same key, and Delete removes it', async () => {
    const gate = await Gate.before(await serveChat({ maxMessage: 10 }));
    const { henry, jjeong } = await twoPeople(gate);

    await write(henry, 'longer than ten');
    await log(henry).getByText('Not sent').waitFor();
    expect(await henry.getByRole('status').innerText()).toBe('Not sent');
    await write(henry, 'short');
    await shows(jjeong, 'short');
    await button(henry, 'Retry').click();
    await until('a second try', () => gate.passed.filter(({ body }) => body.includes('longer')).length === 2);
    await log(henry).getByText('Not sent').waitFor();
    const keys = gate.passed.filter(({ body }) => body.includes('longer')).map(({ body }) => JSON.parse(body).key);
    expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(keys[1]).toBe(keys[0]);

    await button(henry, 'Delete').click();
    await log(henry).getByText('Not sent').waitFor({ state: 'detached' });
    expect(await composer(henry).evaluate((box) => box === document.activeElement)).toBe(true);
    await henry.reload();
    await shows(henry, 'short');

    expect(await textsOn(henry)).toEqual(['short']);
    expect(await textsOn(jjeong)).toEqual(['short']);
  });

  test('arrives once when the answer to it was lost', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoPeople(gate);
    gate.rule = (path, method) => (posts(path, method) ? 'answer lost' : 'through');

    await write(henry, 'did that work?');
    await shows(jjeong, 'did that work?');
    gate.rule = () => 'through';
    await write(henry, 'and this?');
    await shows(jjeong, 'and this?');
    await receipt(henry, 'Read').waitFor();

    for (const page of [henry, jjeong]) expect(await textsOn(page)).toEqual(['did that work?', 'and this?']);
    await Promise.all([henry.reload(), jjeong.reload()]);
    for (const page of [henry, jjeong]) {
      await shows(page, 'and this?');
      expect(await textsOn(page)).toEqual(['did that work?', 'and this?']);
    }
  });

  test('waits while a proxy answers 502, survives a reload, and arrives once and in order', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoPeople(gate);
    await write(jjeong, 'before');
    await shows(henry, 'before');
    gate.rule = (path) => (/^\/(messages|status|history|people|receipts)\b/.test(path) ? 'refused' : 'through');

    for (const text of ['one', 'two', 'three']) await write(henry, text);
    await receipt(henry, 'Waiting to send').waitFor();
    await composer(henry).fill('half a sent');
    await henry.reload();
    await shows(henry, 'one', 'two', 'three');
    expect(await composer(henry).inputValue()).toBe('half a sent');
    await says(henry, /^Reconnecting… Messages you send will wait here\./);

    await write(henry, 'four');
    gate.rule = () => 'through';
    await tryNow(henry);
    await shows(jjeong, 'four');
    await receipt(henry, 'Read').waitFor();

    for (const page of [henry, jjeong]) expect(await textsOn(page)).toEqual(['before', 'one', 'two', 'three', 'four']);
  });

  test('waits offline; afterwards, what both wrote meanwhile is shown once and in order', async () => {
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);
    await write(henry, 'one');
    await shows(jjeong, 'one');

    await henry.context().setOffline(true);
    await says(henry, /^You're offline\./);
    expect(await leftOf(henry.getByText('You are henry'))).toBe(await leftOf(henry.getByRole('heading')));
    // The page learns of it before the network is gone: what is written in between is still sent.
    await until('the network is gone', () =>
      henry.evaluate(() =>
        fetch('healthz').then(
          () => false,
          () => true,
        ),
      ),
    );
    for (const text of ['two', 'three']) await write(henry, text);
    await receipt(henry, 'Waiting to send').waitFor();
    for (const text of ['und', 'deux']) await write(jjeong, text);
    await receipt(jjeong, /^(Sent|Delivered)$/).waitFor(); // before henry sends his
    await composer(henry).fill('a draft');
    expect(await textsOn(henry)).toEqual(expect.arrayContaining(['one', 'two', 'three']));

    await henry.context().setOffline(false);
    await shows(jjeong, 'three');
    await shows(henry, 'deux');
    await says(henry, 'Back online.');
    await receipt(henry, 'Read').waitFor();
    expect(await composer(henry).inputValue()).toBe('a draft');

    const texts = ['one', 'und', 'deux', 'two', 'three'];
    for (const page of [henry, jjeong]) expect(await textsOn(page)).toEqual(texts);
    await Promise.all([henry.reload(), jjeong.reload()]);
    for (const page of [henry, jjeong]) {
      await shows(page, ...texts);
      expect(await textsOn(page)).toEqual(texts);
    }
  });

  test('is not given up when the page is opened again after minutes without the server', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoWaiting(gate);

    await henry.clock.fastForward(2 * MINUTE_MS);
    await henry.reload();
    await says(henry, /^Reconnecting…/);
    gate.rule = () => 'through';
    await tryNow(henry);
    await shows(jjeong, 'two');

    expect(await textsOn(jjeong)).toEqual(['one', 'two']);
  });

  test('is not given up when the network comes back during an attempt', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoWaiting(gate);
    await says(henry, /^Reconnecting…/);
    await henry.clock.fastForward(2 * MINUTE_MS);

    gate.rule = (path) => (asksHistory(path) ? 'held' : 'through'); // it looks there before it sends again
    await tryNow(henry);
    await says(henry, 'Back online.');
    let asked = 0;
    gate.rule = (path) => (asksHistory(path) && asked++ === 0 ? 'refused' : 'through');
    await shows(jjeong, 'two');

    expect(await textsOn(jjeong)).toEqual(['one', 'two']);
  });

  test('keeps its order when two tabs write, and one of them is closed while it sends', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoPeople(gate);
    const second = await openChat(henry.context(), chatOf(gate, 'henry', 'jjeong'));
    gate.rule = (path, method) => (posts(path, method) ? 'held' : 'through');

    await write(henry, 'one');
    await shows(second, 'one');
    await write(second, 'two');
    await shows(henry, 'two');
    await write(henry, 'three');
    await shows(second, 'three');
    await henry.close();
    let underWay = 2; // an attempt of each tab
    gate.rule = (path, method) => (posts(path, method) && underWay-- > 0 ? 'refused' : 'through');
    await shows(jjeong, 'three');

    expect(await textsOn(jjeong)).toEqual(['one', 'two', 'three']);
  });

  test('survives a reload of the page while the server is down', async () => {
    const server = await Server.start();
    const gate = await Gate.before(server); // the pages themselves still load, as from a cache
    const { henry, jjeong } = await twoPeople(gate);
    await server.end('SIGTERM');
    await write(henry, 'anybody there?');
    await shows(henry, 'anybody there?');

    await server.startAgain();
    await henry.reload();
    await isReady(henry);
    await shows(jjeong, 'anybody there?');

    expect(await textsOn(henry)).toEqual(['anybody there?']);
    expect(await textsOn(jjeong)).toEqual(['anybody there?']);
  });

  test('that waits is sent even if another tab clears the storage', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry } = await twoPeople(gate);
    const other = await openChat(henry.context(), chatOf(gate, 'henry', 'mina'));
    gate.rule = (path) => (path.startsWith('/messages') ? 'refused' : 'through');
    await write(henry, 'still here');
    await receipt(henry, 'Waiting to send').waitFor();

    const cleared = await henry.evaluateHandle(() => ({
      heard: new Promise<void>((resolve) => addEventListener('storage', () => resolve())),
    }));
    await other.evaluate(() => localStorage.clear());
    await cleared.evaluate(({ heard }) => heard);
    gate.rule = () => 'through';
    await receipt(henry, 'Read').waitFor();

    expect(await textsOn(henry)).toEqual(['still here']);
  });

  test('that the server refuses after the storage was cleared is sent only once', async () => {
    const gate = await Gate.before(await serveChat({ maxMessage: 10 }));
    const henry = await openChat(await newBrowser(), chatOf(gate, 'henry', 'jjeong'));
    gate.rule = (path, method) => (posts(path, method) ? 'held' : 'through');
    await write(henry, 'longer than ten');
    await receipt(henry, 'Sending…').waitFor();

    await henry.evaluate(() => localStorage.clear());
    gate.rule = () => 'through';
    await log(henry).getByText('Not sent').waitFor();

    expect(gate.passed.filter(({ body }) => body.includes('longer'))).toHaveLength(1);
  });

  test('that exceeds the rate limit says so, and is sent a little later', async () => {
    const gate = await Gate.before(await serveChat({ sendRate: 2 }));
    const { henry, jjeong } = await twoPeople(gate);
    const texts = ['1', '2', '3', '4', '5'];

    for (const text of texts) await write(henry, text);
    await henry
      .getByText(/^You're sending too fast\. Retrying in 1 s\.$/)
      .first()
      .waitFor();
    await shows(jjeong, '5');

    expect(await textsOn(henry)).toEqual(texts);
    expect(await textsOn(jjeong)).toEqual(texts);
  });

  test('that waits can be edited and deleted: only what is left is sent', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoPeople(gate);
    breakOff(gate);
    for (const text of ['one', 'two', 'three']) await write(henry, text);
    await receipt(henry, 'Waiting to send').waitFor();

    await choose(henry, 'one', 'Edit');
    await write(henry, 'first');
    await choose(henry, 'two', 'Delete');
    await choose(henry, 'three', 'Delete');
    await button(henry, 'Undo').click();
    await until('two messages', async () => (await textsOn(henry)).join() === 'first,three');
    gate.rule = () => 'through';
    await Promise.all([tryNow(henry), tryNow(jjeong)]);
    await shows(jjeong, 'three');
    await receipt(henry, 'Read').waitFor();

    expect(await textsOn(henry)).toEqual(['first', 'three']);
    expect(await textsOn(jjeong)).toEqual(['first', 'three']);
    const sent = gate.passed.filter(({ path, method }) => posts(path, method)).map(({ body }) => JSON.parse(body));
    expect(sent.map(({ message }) => message)).toEqual(['first', 'three']);
  });

  test('that is deleted while nobody knows whether it was stored is removed if it was', async () => {
    const gate = await Gate.before(await serveChat());
    const { henry, jjeong } = await twoPeople(gate);
    breakOff(gate, 'answer lost');
    await write(henry, 'oops');
    await receipt(henry, 'Waiting to send').waitFor();

    await choose(henry, 'oops', 'Delete');
    await until('it is gone', async () => (await textsOn(henry)).length === 0);
    gate.rule = () => 'through';
    await Promise.all([tryNow(henry), tryNow(jjeong)]);
    await shows(henry, 'Message removed');
    await shows(jjeong, 'Message removed');

    expect(await textsOn(henry)).toEqual(['Message removed']);
    await henry.reload();
    await shows(henry, 'Message removed');
    expect(await button(henry, 'Retry').count()).toBe(0);
  });

  test('that is too long is not sent, and the page says by how much', async () => {
    const { henry, jjeong } = await twoPeople(await serveChat());

    await write(henry, '가'.repeat(4120));
    await says(henry, 'Too long: 120 characters over the limit.');
    expect(await composer(henry).getAttribute('aria-invalid')).toBe('true');
    await write(henry, '👍'.repeat(4000));
    await shows(jjeong, '👍'.repeat(4000));

    expect(await textsOn(jjeong)).toHaveLength(1);
  });
});

describe('the box', () => {
  test('sends with Enter, Ctrl+Enter and the button, and breaks the line with Shift+Enter', async () => {
    const { henry, jjeong } = await twoPeople(await serveChat());
    const box = composer(henry);

    await box.pressSequentially('one');
    await box.press('Shift+Enter');
    await box.pressSequentially('more');
    expect(await box.inputValue()).toBe('one\nmore');
    await box.press('Enter');
    await box.pressSequentially('two');
    await box.press('Control+Enter');
    await box.pressSequentially('three');
    await button(henry, 'Send').click();
    await box.pressSequentially('   ');
    await box.press('Enter'); // nothing to send
    await write(henry, 'four');
    await shows(jjeong, 'four');

    expect(await textsOn(jjeong)).toEqual(['one\nmore', 'two', 'three', 'four']);
    expect(await box.inputValue()).toBe('');
  });

  test('never sends half a syllable: the Enter that ends a composition belongs to the input method', async () => {
    const { henry, jjeong } = await twoPeople(await serveChat());
    const box = composer(henry);
    const keyboard = await henry.context().newCDPSession(henry);
    const compose = (text: string) =>
      keyboard.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
    const enter = { code: 'Enter', key: 'Enter' } as const;
    /** While an input method composes, every key has the code 229. */
    const enterOfTheInputMethod = async () => {
      await keyboard.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', ...enter, windowsVirtualKeyCode: 229 });
      await keyboard.send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter, windowsVirtualKeyCode: 229 });
    };

    await box.focus();
    for (const text of ['ㅇ', '아', '안']) await compose(text);
    await keyboard.send('Input.insertText', { text: '안' });
    for (const text of ['ㄴ', '녀', '녕']) await compose(text);
    await enterOfTheInputMethod();
    expect(await box.inputValue()).toBe('안녕');
    await keyboard.send('Input.insertText', { text: '녕' });
    await enterOfTheInputMethod(); // Safari: the composition has already ended, but the code is still 229
    expect(await box.inputValue()).toBe('안녕');
    await box.press('Enter');
    await shows(jjeong, '안녕');
    await write(henry, 'marker');
    await shows(jjeong, 'marker');

    expect(await textsOn(jjeong)).toEqual(['안녕', 'marker']);
  });

  test('breaks the line with Enter on an on-screen keyboard', async () => {
    const server = await serveChat();
    const atHenrys = await newBrowser({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
    const henry = await openChat(atHenrys, chatOf(server, 'henry', 'jjeong'));
    const box = composer(henry);

    await box.tap();
    const keyboard = await henry.context().newCDPSession(henry);
    const enter = { key: 'Enter', windowsVirtualKeyCode: 13 }; // a key on an on-screen keyboard has no code
    await box.pressSequentially('one');
    await keyboard.send('Input.dispatchKeyEvent', { type: 'keyDown', text: '\r', ...enter });
    await keyboard.send('Input.dispatchKeyEvent', { type: 'keyUp', ...enter });
    await box.pressSequentially('two');
    expect(await box.inputValue()).toBe('one\ntwo');
    await button(henry, 'Send').tap();
    await shows(henry, 'one two');

    expect(await textsOn(henry)).toEqual(['one\ntwo']);
    expect(await box.evaluate((element) => parseFloat(getComputedStyle(element).fontSize))).toBeGreaterThanOrEqual(16);
  });

  test('keeps a draft for each conversation, through reloads', async () => {
    const server = await serveChat();
    const atHenrys = await newBrowser();
    const henry = await openChat(atHenrys, chatOf(server, 'henry', 'jjeong'));

    await composer(henry).fill('for jjeong');
    await henry.goto(chatOf(server, 'henry', 'mina'));
    expect(await composer(henry).inputValue()).toBe('');
    await composer(henry).fill('for mina');
    await henry.goto(chatOf(server, 'henry', 'jjeong'));
    expect(await composer(henry).inputValue()).toBe('for jjeong');
    await henry.reload();
    expect(await composer(henry).inputValue()).toBe('for jjeong');
    await composer(henry).press('Enter');
    await shows(henry, 'for jjeong');
    await henry.reload();
    await message(henry, 'for jjeong').waitFor();

    expect(await composer(henry).inputValue()).toBe('');
  });
});
