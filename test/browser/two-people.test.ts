import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { Server, message, setTheStage, shows, twoPeople as twoPeopleAt, write } from './stage.ts';

const test = requires('chromium');
setTheStage();

interface Scene {
  readonly dir: string;
  readonly henry: Page;
  readonly jjeong: Page;
}

async function twoPeople(): Promise<Scene> {
  const server = await Server.start();
  return { dir: server.dir, ...(await twoPeopleAt(server)) };
}

/** How often the log shows each of the texts. */
function counts(page: Page, ...texts: string[]): Promise<number[]> {
  return Promise.all(texts.map((text) => message(page, text).count()));
}

const mailboxText = (dir: string, name: string): string => readFileSync(join(dir, `${name}.txt`), 'utf8');

describe('two people, each in a window of a real browser,', () => {
  test('say 안녕 and hi, see both, and leave their mailboxes empty', async () => {
    const { dir, henry, jjeong } = await twoPeople();

    await write(henry, '안녕');
    await shows(jjeong, '안녕');
    await write(jjeong, 'hi');
    await shows(henry, 'hi');

    for (const page of [henry, jjeong]) expect(await counts(page, '안녕', 'hi')).toEqual([1, 1]);
    await until('empty mailboxes', () => mailboxText(dir, 'henry') === '' && mailboxText(dir, 'jjeong') === '');
  });

  test('see what another program writes into a mailbox, where it was written', async () => {
    const { dir, henry, jjeong } = await twoPeople();

    appendFileSync(join(dir, 'henry.txt'), 'data: hello from the shell\n\n');
    await shows(henry, 'hello from the shell');
    await write(henry, 'marker');
    await shows(jjeong, 'marker');

    expect(await counts(henry, 'hello from the shell')).toEqual([1]);
    expect(await counts(jjeong, 'hello from the shell')).toEqual([0]);
    expect(mailboxText(dir, 'henry')).toBe('');
  });

  test('see what another program writes as one of them, and that it came from a file', async () => {
    const { dir, henry, jjeong } = await twoPeople();
    const program = (receiver: string, sender: string, message: string): void => {
      const mail = { sender, receiver, message, time: new Date().toISOString(), key: message };
      appendFileSync(join(dir, `${receiver}.txt`), `\n\ndata: ${JSON.stringify(mail)}\n\n`);
    };

    program('henry', 'jjeong', 'is that you?');
    await shows(henry, 'is that you?', 'jjeong · via a file');
    program('jjeong', 'henry', 'no, a program');
    await shows(jjeong, 'no, a program', 'henry · via a file');
    await shows(henry, 'no, a program', 'You · via a file');
    await write(henry, 'this is me');
    await shows(jjeong, 'this is me');
    await henry.reload();
    await shows(henry, 'this is me');

    expect(await counts(henry, 'is that you?', 'no, a program', 'this is me')).toEqual([1, 1, 1]);
    expect(await counts(henry, 'jjeong · via a file', 'You · via a file', 'You')).toEqual([1, 1, 1]);
  });

  test('get what was written while they were away', async () => {
    const { henry, jjeong } = await twoPeople();
    const address = jjeong.url();
    await jjeong.goto('about:blank');
    for (const text of ['one', 'two', 'three']) await write(henry, text);
    await Promise.all(['one', 'two', 'three'].map((text) => shows(henry, text)));

    await jjeong.goto(address);
    await shows(jjeong, 'three');

    expect(await counts(jjeong, 'one', 'two', 'three')).toEqual([1, 1, 1]);
  });

  test('cannot run a script in each other’s page', async () => {
    const { henry, jjeong } = await twoPeople();
    const text = '<img src=x onerror="document.title=\'owned\'"><script>document.title="owned"</script>';

    await write(henry, text);
    await shows(jjeong, text);

    for (const page of [henry, jjeong]) expect(await page.title()).not.toContain('owned');
  });

  test('keep line breaks, emoji and right-to-left text as they were written', async () => {
    const { henry, jjeong } = await twoPeople();
    const text = 'one\n두 번째 👨‍👩‍👧\nשלום';

    await write(henry, text);
    await shows(jjeong, 'one 두 번째 👨‍👩‍👧 שלום');

    const message = jjeong.getByRole('log').getByText('두 번째 👨‍👩‍👧');
    expect(await message.innerText()).toBe(text);
  });
});
