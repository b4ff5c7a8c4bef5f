import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { FileMailboxes } from '../../src/index.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { requires } from '../support/requires.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { button, message, setTheStage, shows, textsOn, twoPeople, write } from './stage.ts';

const test = requires('chromium');
setTheStage();

const LATER = 300;
const EDITED = { message: 'number 4, edited', key: 'edit' };

/** A server with messages from jjeong to henry. The fifth was edited after LATER messages. */
async function serverWith(texts: readonly string[]): Promise<ServedChat> {
  const dir = temporaryDirectory();
  const [sender, receiver] = [mailboxName('jjeong'), mailboxName('henry')];
  const store = new FileMailboxes(dir);
  const append = (message: string, key: string) => store.append(receiver, { sender, receiver, message, key });
  const before = await Promise.all(texts.slice(0, LATER).map((message, i) => append(message, `k${i}`)));
  if (before[4]) await store.append(receiver, { sender, receiver, type: 'edit', of: before[4].event.id, ...EDITED });
  await Promise.all(texts.slice(LATER).map((message, i) => append(message, `k${i + LATER}`)));
  await store.close();
  return serveChat({ dir });
}

async function find(page: Page, text: string): Promise<void> {
  const box = page.getByRole('searchbox', { name: 'Search messages' });
  await box.fill(text);
  await page.locator('.hit mark').getByText(text, { exact: true }).first().waitFor();
}

test('a search jumps to any message, near or far, and one click leads back to the newest', async () => {
  const texts = Array.from({ length: 1000 }, (_, i) => `number ${i}`);
  texts[3] = '건초 더미 속의 바늘';
  texts[900] = 'The needle nearby';
  const { henry, jjeong } = await twoPeople(await serverWith(texts));
  await shows(henry, 'number 999');

  await button(henry, 'Search messages').click();
  await find(henry, 'needle');
  await henry.keyboard.press('Enter');
  await henry.locator('.row:focus').getByText('The needle nearby').waitFor();
  await shows(henry, 'number 899', 'number 901');

  await find(henry, '바늘');
  await henry.keyboard.press('ArrowDown');
  await henry.keyboard.press('Enter');
  await henry.locator('.row:focus').getByText('건초 더미 속의 바늘').waitFor();
  await shows(henry, EDITED.message);
  await write(jjeong, 'said meanwhile');
  await button(henry, '1 new message').waitFor();
  const shown = await textsOn(henry);
  expect(shown.slice(0, 6)).toEqual([
    'number 0',
    'number 1',
    'number 2',
    '건초 더미 속의 바늘',
    EDITED.message,
    'number 5',
  ]);
  expect(shown).not.toContain('said meanwhile');

  await button(henry, '1 new message').click();
  await message(henry, 'said meanwhile').waitFor();
  expect((await textsOn(henry)).slice(-2)).toEqual(['number 999', 'said meanwhile']);
});

test('a search counts what it finds, says when it finds nothing, and ends with Escape', async () => {
  const { henry } = await twoPeople(await serverWith(Array.from({ length: 50 }, (_, i) => `apple ${i % 5}`)));
  await button(henry, 'Search messages').click();

  await find(henry, 'apple 3');
  await henry.getByText('10 messages', { exact: true }).waitFor();
  await find(henry, 'apple');
  await henry.getByText('The newest 20 messages').waitFor();
  await button(henry, 'Find older ones').click();
  await henry.getByText('The newest 40 messages').waitFor();
  await henry.getByRole('searchbox').fill('pear');
  await henry.getByText('No messages found').waitFor();
  await henry.keyboard.press('Escape');

  await henry.getByRole('searchbox').waitFor({ state: 'hidden' });
  await message(henry, 'apple 4').last().waitFor();
});
