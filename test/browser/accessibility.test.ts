import { readFileSync } from 'node:fs';
import { describe, expect } from '@jest/globals';
import type { Locator } from 'playwright-core';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { serveChat } from '../support/serve-chat.ts';
import { LOOKS, expectAccessible } from './accessible.ts';
import { Gate } from './gate.ts';
import { attach, fileOf, png } from './pictures.ts';
import {
  Server,
  button,
  chatOf,
  composer,
  isReady,
  log,
  look,
  newBrowser,
  openChat,
  says,
  setTheStage,
  shows,
  twoPeople,
  write,
} from './stage.ts';

const test = requires('chromium');
setTheStage();

const IDLE_MS = process.env['IDLE_MINUTE'] ? 60_000 : 20_000;

describe('every state of every page is accessible', () => {
  for (const [name, { context: options, also }] of Object.entries(LOOKS)) {
    test(name, async () => {
      const gate = await Gate.before(await serveChat({ maxMessage: 200, people: ['henry', 'jjeong', 'mina'] }));
      const context = await newBrowser(options);
      const jjeong = await openChat(await newBrowser(), chatOf(gate, 'jjeong', 'henry'));

      const page = await openChat(context, chatOf(gate, 'henry', 'jjeong'));
      const accessible = (state: string) => expectAccessible(page, state, also);
      await accessible('empty');

      const box = page.getByRole('textbox');
      await box.fill('안녕, see https://example.com/ 👍');
      await box.press('Enter');
      await write(jjeong, '👍');
      await write(jjeong, 'ok, and `http://example.org/a-rather-long-address/that-goes-on-and-on/and-on`');
      await log(page).getByText('ok, and').waitFor();
      await look(page, 'away');
      await write(jjeong, '긴 글\n'.repeat(30));
      await log(page).locator('[aria-expanded=false]').waitFor();
      await look(page, 'at it');
      await accessible('something long below the line');
      await jjeong.goto(chatOf(gate, 'jjeong', 'mina'));
      await box.fill('and on');
      await box.press('Enter');
      await accessible('talking');

      await attach(page, png('a.png', 300, 200), fileOf('a.pdf', Buffer.from('a')));
      await page.locator('.tray .size').nth(1).waitFor();
      await accessible('files chosen');
      await box.fill('two files');
      await box.press('Enter');
      await log(page).locator(':is([data-state=sent], [data-state=delivered]) .picture img').click();
      await page.getByRole('dialog').waitFor();
      await accessible('a picture in the viewer');
      await page.keyboard.press('Escape');

      const choose = async (choice: string) => {
        await log(page).locator('.own .bubble').last().click({ button: 'right' });
        await page.getByRole('menu').locator(choice).click();
      };
      await choose('[data-action=reply]');
      await box.fill('and so on');
      await box.press('Enter');
      await log(page).locator('.quote').waitFor();
      await log(page).locator('[data-state=sent], [data-state=delivered]').last().getByText('and so on').waitFor();
      await choose('[role=menuitemcheckbox] >> nth=0');
      await log(page).locator('.chip').waitFor();
      await log(page).locator('.own .bubble').last().click({ button: 'right' });
      await accessible('the menu of a message');
      await page.keyboard.press('Escape');
      await choose('[data-action=remove]');
      await accessible('asking before a removal');
      await page.keyboard.press('Escape');
      await choose('[data-action=edit]');
      await accessible('editing');
      await page.keyboard.press('Escape');

      await page.locator('header .find').click();
      await page.getByRole('searchbox').fill('EXAMPLE');
      await page.locator('.hit mark').first().waitFor();
      await accessible('found');
      await page.getByRole('searchbox').press('Enter');
      await page.locator('.row:focus').waitFor();
      await accessible('at a found message');
      await page.locator('.search .close').click();

      await box.fill('x'.repeat(210)); // within the page's limit, but not the server's
      await box.press('Enter');
      await log(page).locator('.failure').waitFor();
      await accessible('failed');
      await log(page).getByRole('button').last().click();
      await page.locator('.undo:visible').waitFor();
      await accessible('deleted');
      await box.fill('x'.repeat(4100));
      await page.locator('#note:visible').waitFor();
      await accessible('too long');

      await context.setOffline(true);
      await page.locator('[data-connection=offline]').waitFor();
      await accessible('offline');
      await context.setOffline(false);
      await page.locator('[data-connection=online]').waitFor();
      await accessible('back online');

      await page.goto(gate.url);
      await page.getByRole('combobox').selectOption('henry');
      await page
        .getByRole('link', { name: /jjeong/ })
        .getByText(/on$/)
        .waitFor();
      await page.getByRole('textbox').fill('no/body');
      await page.getByRole('textbox').press('Enter');
      await page.getByRole('alert').getByText('64').waitFor();
      await accessible('picker');

      await page.goto(new URL('room.html?rename', gate.url).href);
      await page.getByRole('textbox').waitFor();
      await accessible('at the door of the room');
      await page.getByRole('textbox').fill('henry');
      await page.getByRole('textbox').press('Enter');
      await isReady(page);
      await box.fill('hello, room');
      await box.press('Enter');
      await log(page).getByText('hello, room').waitFor();
      await accessible('room');
    });
  }
});

const isFocused = (one: Locator) => one.evaluate((element) => element === document.activeElement);

describe('with the keyboard alone', () => {
  test('people can open a conversation from the list, use it, and go back', async () => {
    const server = await serveChat();
    const context = await newBrowser();
    // Chromium without windows denies notifications from the start.
    await context.addInitScript(() => Object.defineProperty(Notification, 'permission', { value: 'default' }));
    const page = await context.newPage();
    await page.goto(server.url);
    await page.getByRole('link', { name: /jjeong/ }).waitFor();
    const press = (...keys: string[]) =>
      keys.reduce((done, key) => done.then(() => page.keyboard.press(key)), Promise.resolve());
    const focused = () =>
      page.evaluate(() => {
        const at = document.activeElement;
        return at?.getAttribute('role') ?? at?.getAttribute('aria-label') ?? at?.textContent?.trim() ?? '';
      });

    const entry = page.getByRole('link', { name: /jjeong/ });
    for (let i = 0; i < 5 && !(await isFocused(entry)); i += 1) await press('Tab');
    await press('Enter');
    await isReady(page);
    expect(await isFocused(composer(page))).toBe(true);
    const stops: string[] = [];
    for (let i = 0; i < 6; i += 1) {
      await press('Shift+Tab');
      stops.unshift(await focused());
    }
    expect(stops.map((stop) => stop.split('\n')[0])).toEqual([
      '←Back to people',
      'Search messages',
      'Turn on notifications',
      'EN',
      '한',
      'log',
    ]);
    await press('Tab', 'Tab', 'Tab', 'Tab', 'Tab', 'Tab');
    expect(await isFocused(composer(page))).toBe(true);
    await page.keyboard.type('typed');
    await press('Enter');
    await shows(page, 'typed');
    expect(await isFocused(composer(page))).toBe(true);
    await press('Shift+Tab', 'Shift+Tab', 'Enter'); // to 한
    await page.getByRole('heading', { name: 'jjeong님과의 대화' }).waitFor();
    await press('Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Shift+Tab', 'Enter');
    await page.getByText('대화 상대를 선택하세요').waitFor();
  });
});

describe('the log, which is read out as it changes,', () => {
  test('does not change while nothing happens, changes once for each message, and does not change on a reconnection', async () => {
    const server = await Server.start();
    const { henry, jjeong } = await twoPeople(server);
    await write(jjeong, 'before');
    await shows(henry, 'before');
    await write(henry, 'mine');
    await says(henry, 'Read');
    const changes = await henry.evaluateHandle(() => {
      const seen: string[] = [];
      const note = (all: MutationRecord[]) => {
        for (const { type, target, addedNodes } of all) {
          const what = type === 'childList' ? [...addedNodes].map((one) => one.textContent) : target.nodeName;
          seen.push(`${type} ${String(what)}`);
        }
      };
      const { childList, characterData, subtree } = { childList: true, characterData: true, subtree: true };
      new MutationObserver(note).observe(document.querySelector('[role=log]')!, { childList, characterData, subtree });
      return seen;
    });

    const begin = Date.now();
    await until('the end of an idle stretch', () => Date.now() - begin > IDLE_MS, 2 * IDLE_MS); // a heartbeat passes
    expect(await changes.jsonValue()).toEqual([]);

    await write(jjeong, 'news');
    await shows(henry, 'news');
    await says(jjeong, 'Read');
    expect(await changes.jsonValue()).toEqual([expect.stringContaining('news')]);

    await server.end('SIGKILL');
    await says(henry, /^Reconnecting…/);
    await server.startAgain();
    await says(henry, 'Back online.');
    await write(jjeong, 'marker');
    await shows(henry, 'marker');
    expect(await changes.jsonValue()).toEqual([expect.stringContaining('news'), expect.stringContaining('marker')]);
  }, 60_000); // most of it is the idle stretch

  test('is silent during a burst; the status sums it up', async () => {
    const { henry, jjeong } = await twoPeople(await serveChat());

    for (const text of ['1', '2', '3', '4', '5']) await write(jjeong, text);
    await shows(henry, '5');

    await henry.getByRole('status').getByText('5 new messages').waitFor();
  });

  test('becomes live only after the history has loaded, and is silent about typing, ticks and presence', async () => {
    const server = await serveChat();
    const { henry, jjeong } = await twoPeople(server);
    await write(henry, 'hello');
    await shows(jjeong, 'hello');
    await composer(jjeong).pressSequentially('h');
    await henry.getByText('jjeong is typing…').waitFor();

    expect(await log(henry).getAttribute('aria-live')).toBe('polite');
    expect(await log(henry).ariaSnapshot()).toMatch(
      /^- log "Chat with jjeong":\n\s+- paragraph: This is the beginning\n\s+- list:\n\s+- listitem: Today\n\s+- listitem:\n\s+- text: You\n\s+- paragraph: hello\n\s+- time: \S+ [AP]M$/,
    );
  });
});

describe('the language', () => {
  test('is the browser’s, can be changed on all pages at once, and is declared to assistive technology', async () => {
    const server = await serveChat();
    const { henry: page, jjeong } = await twoPeople(server, { locale: 'ko-KR' });
    expect(await page.locator('html').getAttribute('lang')).toBe('ko');
    await page.getByRole('heading', { name: 'jjeong님과의 대화' }).waitFor();
    expect(await page.title()).toBe('jjeong님 – 메일박스 채팅');
    await says(page, '아직 메시지가 없어요. 먼저 인사해 보세요!');
    const korean = page.getByRole('textbox', { name: 'jjeong님에게 보낼 메시지' });
    expect(await korean.getAttribute('placeholder')).toBe('메시지를 입력하세요');
    await korean.fill('안녕');
    await button(page, '보내기').click();
    await page.getByText('읽음').waitFor();
    expect(await log(page).locator('time').innerText()).toMatch(/^오[전후] \d+:\d\d$/);

    await button(page, 'EN').click();
    await page.getByRole('heading', { name: 'Chat with jjeong' }).waitFor();
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    await page.getByText('Read', { exact: true }).waitFor();
    await page.reload();
    await shows(page, '안녕');
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    expect(await jjeong.locator('html').getAttribute('lang')).toBe('ko');
    await page.goto(server.url);
    await page.getByText('Who do you want to talk to?').waitFor();
    await button(page, '한').click();
    await page.getByText('대화 상대를 선택하세요').waitFor();
  });

  test('has every text in both files', () => {
    const words = (place: string, code: string): string[] =>
      Object.keys(JSON.parse(readFileSync(new URL(`../../public/${place}/${code}.json`, import.meta.url), 'utf8')));
    const withoutPlurals = (keys: string[]) => keys.filter((key) => !key.endsWith('.one')).toSorted();

    for (const place of ['lang', 'inspect/lang']) {
      expect(withoutPlurals(words(place, 'ko'))).toEqual(withoutPlurals(words(place, 'en')));
    }
  });
});

describe('dark mode', () => {
  test('follows the system', async () => {
    const server = await serveChat();
    const lightness = async (colorScheme: 'light' | 'dark') => {
      const page = await openChat(await newBrowser({ colorScheme }), chatOf(server, 'henry', 'jjeong'));
      const [red = 0] =
        (await page.evaluate(() => getComputedStyle(document.body).backgroundColor)).match(/\d+/g) ?? [];
      return Number(red);
    };

    expect(await lightness('dark')).toBeLessThan(40);
    expect(await lightness('light')).toBeGreaterThan(215);
  });
});
