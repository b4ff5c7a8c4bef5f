import { expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyDirectory } from '../faults/kit/world.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen, textOf } from '../support/listener.ts';
import { history, say, type At } from '../support/requests.ts';
import { startChat } from './kit/chat-command.ts';

interface Shown {
  readonly id: string;
  readonly text: string;
}

const MADE_BY_IT = fileURLToPath(new URL('../faults/version-1', import.meta.url));
const EXPECTED = JSON.parse(readFileSync(join(MADE_BY_IT, 'expected.json'), 'utf8')) as Record<string, Shown[]>;

function copyOfIt(): string {
  const dir = join(temporaryDirectory(), 'mailboxes');
  copyDirectory(join(MADE_BY_IT, 'mailboxes'), dir);
  return dir;
}

let markers = 0;

/** All messages that are kept, with their ids. */
async function everythingOf(at: At, name: string): Promise<Shown[]> {
  const marker = `marker ${markers++}`;
  await say(at, 'marker', name, marker);
  const listener = await listen(`${at.url}/status?receiver=${name}&since=all`);
  const events = await listener.nextUpTo(marker);
  listener.close();
  return events
    .map((event) => ({ id: event.id, text: textOf(event) }))
    .filter(({ text }) => !text.startsWith('marker'));
}

test('mail of version 1 has the same ids, also after a restart', async () => {
  const first = await startChat({ dir: copyOfIt() });
  for (const [name, shown] of Object.entries(EXPECTED))
    expect([name, await everythingOf(first, name)]).toEqual([name, shown]);
  await first.end();

  const second = await startChat({ dir: first.dir });

  for (const [name, shown] of Object.entries(EXPECTED))
    expect([name, await everythingOf(second, name)]).toEqual([name, shown]);
});

test('keys and read marks from version 1 are still known', async () => {
  const chat = await startChat({ dir: copyOfIt() });
  const last = EXPECTED['henry']!.findLast(({ text }) => text.startsWith('henry '))!;
  const number = /^henry (\d+)/.exec(last.text)![1];

  const { messages } = await history(chat, 'jjeong', 'henry', { limit: '100' });
  const again = await say(chat, 'jjeong', 'henry', last.text, `key-henry-${number}`);

  expect(again.id).toBe(last.id);
  const read = messages.filter(({ state }) => state === 'read').map(({ message }) => message);
  expect(read.at(-1)).toMatch(/^henry 20 /);
  expect(messages.at(-1)).toMatchObject({ id: last.id, state: 'sent' });
});

test('a cursor from version 1 gets exactly the mail after it', async () => {
  const chat = await startChat({ dir: copyOfIt() });
  const shown = EXPECTED['henry']!;

  for (const from of [0, 8, 21, shown.length - 2]) {
    const listener = await listen(`${chat.url}/status?receiver=henry`, { lastEventId: shown[from]!.id });
    const rest = shown.slice(from + 1).map(({ text }) => text);
    expect((await listener.textsUpTo(rest.at(-1)!)).filter((text) => text !== '<news>')).toEqual(rest);
    listener.close();
  }
});
