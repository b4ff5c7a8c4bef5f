import { describe, expect } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { run } from '../command/running.ts';
import { requires } from '../support/requires.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { LOOKS, expectAccessible } from './accessible.ts';
import { button, chatOf, isReady, newBrowser, openChat, says, setTheStage, shows, textsOn, write } from './stage.ts';

const test = requires('chromium');
setTheStage();

const header = (page: Page) => page.locator('header');
const newcomer = (page: Page) => page.getByRole('textbox', { name: 'Someone new' });
const youAre = (page: Page) => page.getByRole('combobox', { name: 'You are' });

async function open(context: BrowserContext, { url }: { readonly url: string }, path = ''): Promise<Page> {
  const page = await context.newPage();
  await page.goto(new URL(path, url).href);
  return page;
}

/** Pages opened from now on find a stored name. */
async function keep(context: BrowserContext, where: 'localStorage' | 'sessionStorage', me: string): Promise<void> {
  await context.addInitScript(
    ([storage, name]) => {
      if (location.protocol !== 'about:') globalThis[storage].setItem('mailbox-chat.me', name);
    },
    [where, me] as const,
  );
}

async function invite(server: ServedChat, person: string): Promise<string> {
  const { stdout } = await run(['invite', person, '--dir', server.dir, '--url', server.url]);
  return stdout.trim();
}

describe('my name', () => {
  test('is in the header of every chat page and room', async () => {
    const server = await serveChat();
    const context = await newBrowser();

    await header(await open(context, server, 'chat1.html'))
      .getByText('You are henry')
      .waitFor();
    await header(await open(context, server, 'chat2.html'))
      .getByText('You are jjeong')
      .waitFor();
    await header(await open(context, server, 'chat.html?me=mina&with=henry'))
      .getByText('You are mina')
      .waitFor();
    await header(await open(context, server, 'room.html'))
      .getByText('You are mina')
      .waitFor({ state: 'hidden' });
  });

  test('belongs to each tab: neither another tab nor a page of somebody else changes it', async () => {
    const server = await serveChat();
    const context = await newBrowser();
    const henrys = await open(context, server);
    await youAre(henrys).selectOption('henry');

    const jjeongs = await openChat(context, new URL('chat2.html', server.url).href);
    await jjeongs.getByRole('link', { name: 'Back to people' }).click();
    await jjeongs.getByRole('link', { name: /henry/ }).waitFor();
    await henrys.reload();
    await henrys.getByRole('link', { name: /jjeong/ }).waitFor();

    expect(await youAre(jjeongs).inputValue()).toBe('jjeong');
    expect(await youAre(henrys).inputValue()).toBe('henry');
    await jjeongs.getByRole('link', { name: /Lobby/ }).click();
    await header(jjeongs).getByText('You are jjeong').waitFor(); // the page does not ask for the name again
  });

  test('can be changed in a room, at any time', async () => {
    const server = await serveChat();
    const page = await open(await newBrowser(), server, 'room.html?room=lobby');
    const name = page.getByRole('textbox', { name: 'Your name' });
    await name.fill('mina');
    await name.press('Enter');
    await page.getByText('Hello, mina! Online: 1').waitFor();

    await button(page, 'Change your name').click();
    expect(await name.inputValue()).toBe('mina');
    await name.fill('Kim Min');
    await name.press('Enter');

    await header(page).getByText('You are Kim Min').waitFor();
    await page.reload();
    await header(page).getByText('You are Kim Min').waitFor();
  });
});

describe('a name', () => {
  test('is shown as it was typed', async () => {
    const server = await serveChat();
    const page = await open(await newBrowser(), server);

    for (const [typed, mailbox] of [
      ['Kim Min', 'kim-min'],
      ['홍 길동', '홍-길동'],
      ["O'Neil", 'oneil'],
      ['con', 'con_'],
    ] as const) {
      await newcomer(page).fill(typed);
      await newcomer(page).press('Enter');
      await page.getByRole('heading', { name: `Chat with ${typed}`, exact: true }).waitFor();
      expect(new URL(page.url()).searchParams.get('with')).toBe(mailbox);
      await isReady(page);
      await page.getByRole('link', { name: 'Back to people' }).click();
    }
  });

  test('is shown to others as its owner typed it', async () => {
    const server = await serveChat();
    const henry = await openChat(await newBrowser(), chatOf(server, 'henry', 'kim-min'));
    const page = await open(await newBrowser(), server);
    await youAre(page).selectOption('');
    await page.getByRole('textbox', { name: 'You are' }).fill('Kim Min');
    await page.getByRole('textbox', { name: 'You are' }).press('Enter');
    await page.getByRole('link', { name: /henry/ }).click();
    await isReady(page);

    await write(page, 'hello');

    await henry.getByRole('heading', { name: 'Chat with Kim Min' }).waitFor();
    await henry.reload();
    await henry.getByRole('heading', { name: 'Chat with Kim Min' }).waitFor();
  });

  test('that nobody can have is refused at once', async () => {
    const server = await serveChat();
    const context = await newBrowser();
    await keep(context, 'sessionStorage', 'mina');

    const paths = [
      'chat.html?me=henry&with=a%2Fb',
      'chat.html?me=con&with=jjeong',
      `chat.html?me=henry&with=${encodeURIComponent('\u{20000}'.repeat(60))}`,
      `room.html?room=${'a'.repeat(62)}`,
    ];
    const each = paths.map(async (path) => {
      const page = await open(context, server, path);
      await page.getByRole('alert').getByText('cannot be a name here. Choose another one.').waitFor();
      await page.reload();
      await page
        .getByRole('link', { name: /henry|jjeong/ })
        .first()
        .waitFor();
      expect(await page.getByText('cannot be a name here').count()).toBe(0);
    });
    await Promise.all(each);
  });

  test('that nobody has used here gets a warning: it may be misspelt', async () => {
    const server = await serveChat();
    const page = await openChat(await newBrowser(), chatOf(server, 'henry', 'jjeogn'));
    await says(page, 'Nobody called jjeogn has been here yet.');
    await header(page).getByText('Has never been here').waitFor();

    await openChat(await newBrowser(), chatOf(server, 'jjeogn', 'henry'));
    await header(page).getByText('Online').waitFor();
    await says(page, 'No messages yet. Say hello!');
  });

  test('that is left empty is asked for again', async () => {
    const page = await open(await newBrowser(), await serveChat());

    await button(page, 'Start').click();

    await page.getByRole('alert').getByText('Type a name.').waitFor();
  });
});

test('A conversation with yourself shows each note once, live and after a reload', async () => {
  const server = await serveChat();
  const context = await newBrowser();
  const page = await openChat(context, chatOf(server, 'henry', 'henry'));
  const beside = await openChat(context, chatOf(server, 'henry', 'jjeong'));
  await page.getByRole('heading', { name: 'Notes to yourself' }).waitFor();
  await page.getByText('No notes yet.').waitFor();

  const box = page.getByRole('textbox', { name: 'Write a note' });
  await box.fill('buy milk');
  await box.press('Enter');
  await shows(page, 'buy milk');
  await write(beside, 'hello');
  await shows(beside, 'hello');

  expect(await textsOn(beside)).toEqual(['hello']);
  expect(await textsOn(page)).toEqual(['buy milk']);
  await page.reload();
  await shows(page, 'buy milk');
  expect(await textsOn(page)).toEqual(['buy milk']);
});

describe('with invitation links', () => {
  test('people go by the name they were invited under, on the first page and in rooms', async () => {
    const server = await serveChat({ access: 'links' });
    const context = await newBrowser();
    await keep(context, 'localStorage', 'jjeong'); // stored before the server asked for links
    const page = await open(context, server);
    await page.goto(await invite(server, 'henry'));
    await page.getByText('You are henry').waitFor();
    expect(await youAre(page).count()).toBe(0);

    await page.getByRole('link', { name: /Lobby/ }).click();
    await page.getByText('Hello, henry! Online: 1').waitFor();
    expect(await button(page, 'Change your name').count()).toBe(0);
    await page.getByRole('link', { name: 'Back to people' }).click();
    await page.getByText('You are henry').waitFor();
    await page.reload();
    await page.getByText('You are henry').waitFor();
  });

  test('everybody who is kept out is told why, and what to do', async () => {
    const server = await serveChat({ access: 'links' });
    const [nobody, jjeong] = [await newBrowser(), await newBrowser()];

    const picker = await open(nobody, server);
    await picker.getByRole('alert').getByText('Open the invitation link you were sent.').waitFor();
    expect(await newcomer(picker).isVisible()).toBe(false);
    await says(await open(nobody, server, 'room.html?room=lobby'), 'Open the invitation link you were sent.');
    const page = await jjeong.newPage();
    await page.goto(await invite(server, 'jjeong'));
    await page.getByText('You are jjeong').waitFor();
    await says(
      await open(jjeong, server, 'chat1.html'),
      "You are jjeong here; that is henry's. Only henry's own link opens it.",
    );
    await run(['revoke', 'jjeong', '--dir', server.dir]);
    await page.getByRole('alert').getByText('This link no longer works. Ask for a new one.').waitFor();
  });

  test('two people who share a browser can switch between their names, and to no other name', async () => {
    const server = await serveChat({ access: 'links', people: ['henry', 'jjeong', 'mina'] });
    const page = await open(await newBrowser(), server);
    await page.goto(await invite(server, 'henry')); // the page is open already
    await page.getByText('You are henry').waitFor();
    await page.goto(await invite(server, 'jjeong'));
    await youAre(page).waitFor();

    expect(await youAre(page).inputValue()).toBe('jjeong');
    expect(await youAre(page).locator('option').allInnerTexts()).toEqual(['henry', 'jjeong']);
  });
});

test('With the application’s login people go by the name they signed in with, and no text mentions links', async () => {
  let user = 'ann';
  const at = await serveChat({ identify: () => user });
  const context = await newBrowser();
  const page = await open(context, at);
  await page.getByText('You are ann').waitFor();

  const others = await open(context, at, 'chat1.html');
  await says(others, "You are ann here; that is henry's. Sign in as henry to open it.");
  expect(await others.locator('body').innerText()).not.toMatch(/link/i);
  user = '';
  await page.reload();
  await page.getByRole('alert').getByText('You are not signed in.').waitFor();
  expect(await page.locator('body').innerText()).not.toMatch(/link/i);
});

test('A browser can chat whatever language it asks for', async () => {
  const server = await serveChat();

  const each = ['en-US@posix', 'c', '', 'en-US-u'].map(async (language) => {
    const context = await newBrowser();
    await context.addInitScript((one) => Object.defineProperty(navigator, 'languages', { get: () => [one] }), language);
    const page = await openChat(context, chatOf(server, 'henry', 'jjeong'));
    await write(page, `hello from ${language}`);
    await shows(page, `hello from ${language}`);
  });
  await Promise.all(each);
});

describe('somebody with a long name or large letters', () => {
  test('scrolls in one direction only', async () => {
    const server = await serveChat({ people: ['henry', 'm'.repeat(64)] });
    const context = await newBrowser({ viewport: { width: 320, height: 640 } });
    await keep(context, 'sessionStorage', 'w'.repeat(64));

    const paths = ['', 'chat1.html', `chat.html?me=henry&with=${'m'.repeat(64)}`, 'room.html?room=lobby'];
    const each = paths.map(async (path) => {
      const page = await open(context, server, path);
      await page.locator('h1').waitFor();
      await page.locator('.person:not(.room-link), [aria-live=polite]').first().waitFor();
      for (const fontSize of ['100%', '200%']) {
        const { scrollWidth, clientWidth } = await page.evaluate((size) => {
          document.documentElement.style.fontSize = size;
          return {
            scrollWidth: document.documentElement.scrollWidth,
            clientWidth: document.documentElement.clientWidth,
          };
        }, fontSize);

        expect([path, fontSize, scrollWidth]).toEqual([path, fontSize, clientWidth]);
      }
    });
    await Promise.all(each);
  });
});

describe('each new view is accessible:', () => {
  for (const [look, { context: options, also }] of Object.entries(LOOKS)) {
    test(look, async () => {
      const server = await serveChat();
      const links = await serveChat({ access: 'links' });
      const context = await newBrowser(options);

      const page = await openChat(context, chatOf(server, 'henry', 'henry'));
      const accessible = (state: string) => expectAccessible(page, state, also);
      await accessible('notes');
      await page.goto(chatOf(server, 'henry', 'jjeogn'));
      await page.getByText('jjeogn').locator('visible=true').nth(1).waitFor();
      await accessible('a stranger');
      await page.goto(new URL('chat1.html', server.url).href);
      await page.locator('.beside:visible').getByText('jjeong').waitFor();
      await accessible('two windows');
      await page.goto(new URL('room.html?rename', server.url).href);
      await page.locator('#name').waitFor();
      await accessible('another name');
      await page.goto(chatOf(server, 'henry', 'a/b'));
      await page.getByRole('alert').getByText('a/b').waitFor();
      await accessible('no name');
      await page.goto(links.url);
      await page.getByRole('alert').getByText(/\S/).waitFor();
      await accessible('not let in');
      await page.goto(await invite(links, 'henry'));
      await page.locator('.self').getByText('henry').waitFor();
      await accessible('let in as one person');
    });
  }
});
