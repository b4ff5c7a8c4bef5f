import { afterEach, expect, test } from '@jest/globals';
import { existsSync, readFileSync, readdirSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { history } from '../support/requests.ts';
import { henry, letter } from '../support/store-mail.ts';
import { until } from '../support/until.ts';
import { cleanUp, run, serve, temporaryDirectory } from './running.ts';

afterEach(cleanUp);

const DAY_MS = 24 * 60 * 60 * 1000;

/** Gives henry mail that he received so many days ago, with texts of this length. */
async function received(dir: string, texts: readonly string[], daysAgo: number): Promise<void> {
  const ms = Date.now() - daysAgo * DAY_MS;
  const store = new FileMailboxes(dir, { now: () => ms });
  const unwatch = await store.watch(henry, () => undefined);
  const events = await Promise.all(texts.map((text) => store.append(henry, letter(text))));
  await store.drain(henry);
  await store.mark(henry, 'delivered', events.at(-1)!.event.id);
  unwatch();
  await store.close();
  for (const path of piecesOf(dir)) utimesSync(path, ms / 1000, ms / 1000);
}

/** The pieces of henry's log: a piece begins in the first folder, and moves to the second when nobody has it open. */
function piecesOf(dir: string): string[] {
  const places = ['.taken', '.delivered'].map((place) => join(dir, place, 'henry'));
  return places.flatMap((place) => (existsSync(place) ? readdirSync(place).map((name) => join(place, name)) : []));
}

/** Ignores pieces that are dropped in the meantime. */
function bytesOf(dir: string): number {
  return piecesOf(dir).reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

function textOf(dir: string): string {
  return piecesOf(dir)
    .map((path) => (existsSync(path) ? readFileSync(path, 'utf8') : ''))
    .join('');
}

test('Drops received mail after --keep-days, even of people who never come back; waiting mail stays', async () => {
  const cwd = temporaryDirectory();
  const dir = join(cwd, 'mailboxes');
  await received(dir, ['long ago'], 40);
  const before = textOf(dir);
  await run(['send', 'jjeong', 'still waiting', '--as', 'henry'], { cwd });

  const server = await serve(['--keep-days', '30'], { cwd });

  await until('the old mail is gone', () => !textOf(dir).includes('long ago'));
  expect(before).toContain('long ago');
  const { messages } = await history({ url: server.url.slice(0, -1) }, 'jjeong', 'henry');
  expect(messages.map(({ message }) => message)).toEqual(['still waiting']);
});

test('Drops the oldest received mail beyond --keep-bytes', async () => {
  const cwd = temporaryDirectory();
  const dir = join(cwd, 'mailboxes');
  const texts = Array.from({ length: 1000 }, (_, i) => `number ${i} ${'x'.repeat(3900)}`);
  await received(dir, texts, 1);
  const before = bytesOf(dir);

  await serve(['--keep-bytes', '1M'], { cwd });

  await until('old mail is gone', () => bytesOf(dir) < 2 * 1024 ** 2);
  expect(before).toBeGreaterThan(3 * 1024 ** 2);
  expect(textOf(dir)).toContain('number 999 ');
  expect(textOf(dir)).not.toContain('number 0 ');
});

test('A command keeps mail for as long as the server does', async () => {
  const cwd = temporaryDirectory();
  const dir = join(cwd, 'mailboxes');
  await received(dir, ['long ago'], 400);

  await run(['send', 'henry', 'hi', '--as', 'jjeong'], { cwd });
  const server = await serve(['--keep-days', '500'], { cwd });

  const { messages } = await history({ url: server.url.slice(0, -1) }, 'henry', 'jjeong');
  expect(messages.map(({ message }) => message)).toEqual(['long ago', 'hi']);
});
