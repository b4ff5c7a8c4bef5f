import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MailboxWatcher } from '../../src/files/mailbox-watcher.ts';
import { silent } from '../../src/words/logger.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { DEADLINE_MS, until } from '../support/until.ts';

let dir: string;
let watcher: MailboxWatcher;

beforeEach(() => {
  dir = temporaryDirectory();
  watcher = new MailboxWatcher(silent, { most: 1 });
});

afterEach(async () => {
  await watcher.close();
});

function mailbox(name: string): string {
  const path = join(dir, `${name}.txt`);
  writeFileSync(path, '');
  return path;
}

/** Appends until a hint comes: a watch may begin a moment after the request for it. */
async function hinted(path: string, hints: () => number): Promise<void> {
  const before = hints();
  const appended = (): boolean => {
    appendFileSync(path, 'data: hi\n\n');
    return hints() > before;
  };
  await until('a hint', appended, DEADLINE_MS, 20);
}

test('hints at mailboxes beyond those with their own watch', async () => {
  const counts = [0, 0, 0];
  const paths = ['henry', 'jjeong', 'mina'].map(mailbox);
  for (const [i, path] of paths.entries()) watcher.watch(path, () => (counts[i]! += 1));

  for (const [i, path] of paths.entries()) await hinted(path, () => counts[i]!);

  expect(watcher.errors).toBe(0);
});

test('hints at text in the new file after a take, before and after its watch begins', async () => {
  let hints = 0;
  const path = mailbox('henry');
  watcher.watch(path, () => (hints += 1));
  renameSync(path, join(dir, 'taken'));
  mailbox('henry');

  watcher.rewatch(path);
  appendFileSync(path, 'data: hi\n\n');
  await until('a hint', () => hints > 0);
  await hinted(path, () => hints);

  expect(watcher.errors).toBe(0);
});

test('gives no hints at a mailbox that is no longer watched', async () => {
  let henry = 0;
  let jjeong = 0;
  let mina = 0;
  const paths = ['henry', 'jjeong', 'mina'].map(mailbox);
  watcher.watch(paths[0]!, () => (henry += 1));
  watcher.watch(paths[1]!, () => (jjeong += 1));
  watcher.watch(paths[2]!, () => (mina += 1));
  await hinted(paths[1]!, () => jjeong);

  watcher.unwatch(paths[1]!);
  const before = jjeong;
  appendFileSync(paths[1]!, 'data: hi\n\n');
  await hinted(paths[2]!, () => mina); // this hint comes after one for the other mailbox would have come

  expect(jjeong).toBe(before);
  await hinted(paths[0]!, () => henry);
});

test('hints at what others write between our appends once our appends pause', async () => {
  let hints = 0;
  const path = mailbox('henry');
  watcher.watch(path, () => (hints += 1));
  await hinted(path, () => hints);
  for (let i = 0; i < 3; i += 1) watcher.appended(path);
  const before = hints;

  appendFileSync(path, 'data: from another program\n\n');
  await until('another hint', () => hints > before);
  await hinted(path, () => hints);

  expect(watcher.errors).toBe(0);
});
