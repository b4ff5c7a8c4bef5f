import { describe, expect } from '@jest/globals';
import type { BrowserContext, Page } from 'playwright-core';
import { run } from '../command/running.ts';
import { requires } from '../support/requires.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import {
  button,
  chatOf,
  composer,
  isReady,
  newBrowser,
  openChat,
  says,
  setTheStage,
  shows,
  textsOn,
  write,
} from './stage.ts';

const test = requires('chromium');
setTheStage();

async function enterRoom(context: BrowserContext, server: ServedChat, name: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(new URL('room.html?room=lobby', server.url).href);
  await page.getByRole('textbox', { name: 'Your name' }).fill(name);
  await button(page, 'Enter').click();
  await isReady(page);
  return page;
}

/** Runs the command that makes a link; resolves to the link. */
async function invite(server: ServedChat, person: string): Promise<string> {
  const { stdout } = await run(['invite', person, '--dir', server.dir, '--url', server.url]);
  return stdout.trim();
}

describe('a group room', () => {
  test('asks for a name, and shows all three each message once, and who comes and goes', async () => {
    const server = await serveChat();
    const henry = await enterRoom(await newBrowser(), server, 'Henry');
    await henry.getByText('Hello, henry! Online: 1').waitFor();
    const jjeong = await enterRoom(await newBrowser(), server, 'jjeong');
    await henry.getByText('jjeong online').waitFor();
    const mina = await enterRoom(await newBrowser(), server, '민아');
    for (const [page, name] of [
      [henry, 'henry'],
      [jjeong, 'jjeong'],
      [mina, '민아'],
    ] as const) {
      await page.getByText(`Hello, ${name}! Online: 3`).waitFor();
    }

    await write(henry, '안녕');
    await Promise.all([henry, jjeong, mina].map((page) => shows(page, '안녕')));
    await write(mina, 'hi');
    await Promise.all([henry, jjeong, mina].map((page) => shows(page, 'hi')));
    for (const page of [henry, jjeong, mina]) expect(await textsOn(page)).toEqual(['안녕', 'hi']);
    await shows(jjeong, 'henry', '민아'); // who said what

    await mina.close();
    await henry.getByText('민아 offline').waitFor();
    await henry.getByText('Hello, henry! Online: 2').waitFor();
    await henry.reload(); // the name is remembered
    await shows(henry, '안녕', 'hi');
    expect(await textsOn(henry)).toEqual(['안녕', 'hi']);
  });

  test('shows everybody’s name as they typed it', async () => {
    const server = await serveChat();
    const henry = await enterRoom(await newBrowser(), server, 'henry');
    const min = await enterRoom(await newBrowser(), server, 'Kim Min');

    await write(min, 'hi');

    await shows(henry, 'hi', 'Kim Min');
    await henry.reload();
    await shows(henry, 'hi', 'Kim Min');
  });

  test('refuses an invalid name, and says which names are valid', async () => {
    const page = await (await newBrowser()).newPage();
    await page.goto(new URL('room.html?room=lobby', (await serveChat()).url).href);

    for (const name of ['../../etc', 'a/b', 'x'.repeat(21), '']) {
      await page.getByRole('textbox', { name: 'Your name' }).fill(name);
      await button(page, 'Enter').click();
      await page.getByRole('alert').getByText('Use letters, numbers, - or _ (up to 20).').waitFor();
    }
    await page.getByRole('textbox', { name: 'Your name' }).fill('x'.repeat(20));
    await button(page, 'Enter').click();

    await isReady(page);
  });
});

describe('the first page', () => {
  test('lists people by name, opens a conversation with one press, and accepts a new name', async () => {
    const server = await serveChat();
    const page = await (await newBrowser()).newPage();
    await page.goto(server.url);
    await page.getByRole('heading', { name: 'Mailbox Chat' }).waitFor();
    await page.getByText(/Messages are plain files in .*Anyone who can open this page can read them\./).waitFor();
    await page.getByRole('combobox', { name: 'You are' }).selectOption('jjeong');

    await page.getByRole('list', { name: 'Who do you want to talk to?' }).getByRole('link', { name: /henry/ }).click();
    await page.getByRole('heading', { name: 'Chat with henry' }).waitFor();
    await isReady(page);
    await says(page, 'No messages yet. Say hello!');
    await page.getByRole('link', { name: 'Back to people' }).click();
    const newcomer = page.getByRole('textbox', { name: 'Someone new' });
    for (const name of ['no/body', '../x', '.hidden', 'room.lobby']) {
      await newcomer.fill(name);
      await newcomer.press('Enter');
      await page.getByRole('alert').getByText('Use letters, numbers, - or _ (up to 64).').waitFor();
    }
    await newcomer.fill('민아');
    await button(page, 'Start').click();

    await page.getByRole('heading', { name: 'Chat with 민아' }).waitFor();
    expect(new URL(page.url()).searchParams.get('me')).toBe('jjeong');
  });
});

describe('with invitation links', () => {
  test('two people can talk in one browser; a third without a link cannot, nor can one whose link was revoked', async () => {
    const server = await serveChat({ access: 'links' });
    const shared = await newBrowser();
    const [henrysLink, jjeongsLink] = [await invite(server, 'henry'), await invite(server, 'jjeong')];

    const picker = await shared.newPage();
    await picker.goto(henrysLink);
    await picker.getByText('Only people with an invitation link can open this page.').waitFor();
    expect(picker.url()).not.toContain('key=');
    await picker.getByRole('link', { name: /jjeong/ }).click();
    const henry = picker;
    await isReady(henry);
    const second = await shared.newPage();
    await second.goto(jjeongsLink);
    await second.getByRole('link', { name: /henry/ }).click();
    const jjeong = second;
    await isReady(jjeong);
    await write(henry, 'a secret');
    await shows(jjeong, 'a secret');
    await write(jjeong, 'between us');
    await shows(henry, 'between us');

    const without = await (await newBrowser()).newPage();
    await without.goto(chatOf(server, 'henry', 'jjeong'));
    await says(without, 'Open the invitation link you were sent.');
    expect(await textsOn(without)).toEqual([]);
    const expired = await (await newBrowser()).newPage();
    await expired.goto(new URL('chat.html#key=abcdefghijklmnopqrstuvwxyz', server.url).href);
    await expired.getByRole('alert').getByText('This link no longer works. Ask for a new one.').waitFor();

    await run(['revoke', 'henry', '--dir', server.dir]);
    await says(henry, 'This link no longer works. Ask for a new one.');
    expect(await composer(henry).isDisabled()).toBe(true);
    expect(await composer(henry).getAttribute('placeholder')).toBe('This link no longer works. Ask for a new one.');
    expect(await button(henry, 'Send').isDisabled()).toBe(true);
    await write(jjeong, 'gone');
    await shows(jjeong, 'gone');
    expect(await textsOn(henry)).toEqual(['a secret', 'between us']);
    expect(await textsOn(jjeong)).toEqual(['a secret', 'between us', 'gone']);
  });

  test('a new link lets a person back into the page that was open', async () => {
    const server = await serveChat({ access: 'links' });
    const context = await newBrowser();
    await invite(server, 'jjeong');
    const page = await context.newPage();
    await page.goto(await invite(server, 'henry'));
    await page.getByRole('link', { name: /jjeong/ }).click();
    await isReady(page);
    await write(page, 'before');
    await shows(page, 'before');
    await run(['revoke', 'henry', '--dir', server.dir]);
    await says(page, 'This link no longer works. Ask for a new one.');

    const again = await context.newPage();
    await again.goto(await invite(server, 'henry'));
    await again.getByRole('link', { name: /jjeong/ }).click();
    await shows(again, 'before');
    await write(again, 'after');
    await shows(again, 'after');
    await write(page, 'here, too');
    await shows(again, 'here, too');

    expect(await textsOn(await openChat(context, chatOf(server, 'henry', 'jjeong')))).toEqual([
      'before',
      'after',
      'here, too',
    ]);
  });
});
