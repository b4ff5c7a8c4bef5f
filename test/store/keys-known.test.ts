import { appendFileSync, closeSync, openSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import type { FileMailboxesOptions } from '../../src/files/store-context.ts';
import { Clock, MailboxDirectory } from '../support/store-files.ts';
import { Listener, henry, letter, readAll } from '../support/store-mail.ts';

const FOREIGN = '\n\ndata: {"sender":"mina","receiver":"henry","message":"1"}\n\n';
const DAY_MS = 24 * 60 * 60 * 1000;

let directory: MailboxDirectory;
let clock: Clock;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  clock = new Clock();
  open();
});

afterEach(() => directory.remove());

function open(options: FileMailboxesOptions = {}): void {
  store = directory.open({ now: clock.now, ...options });
}

async function reopen(options?: FileMailboxesOptions): Promise<void> {
  await store.close();
  open(options);
}

async function expectKnown(key: string): Promise<void> {
  expect(await store.append(henry, letter(`text of ${key}`, { key }))).toMatchObject({ repeated: true });
}

async function send(key: string): Promise<void> {
  await store.append(henry, letter(`text of ${key}`, { key }));
}

test('keys stay known while much foreign mail comes, and after a restart', async () => {
  await send('first');
  await send('second');
  appendFileSync(directory.file(), FOREIGN.repeat(100_000));

  await expectKnown('first');
  await reopen();
  await expectKnown('second');
  await send('third');
  appendFileSync(directory.file(), FOREIGN.repeat(50_000));
  await reopen();
  for (const key of ['first', 'second', 'third']) await expectKnown(key);
});

test('who sends right after a start need not wait for the keys if the store closes: the message is refused', async () => {
  await send('key');
  await reopen();

  const sending = send('second');
  const refusal = expect(sending).rejects.toMatchObject({ code: 'CLOSED' });
  await reopen();
  await refusal;

  await expectKnown('key');
  expect(await readAll(store)).toHaveLength(1);
});

test('keys stay known while much foreign mail is received', async () => {
  await send('key');
  const listener = await Listener.open(store);
  appendFileSync(directory.file(), FOREIGN.repeat(100_000));
  await listener.take(100_001);
  await directory.emptied();

  await expectKnown('key');
  await reopen();
  await expectKnown('key');
});

test('keys stay known after a restart, even if a program that keeps a received mailbox open has written much since', async () => {
  await send('key');
  const listener = await Listener.open(store);
  const held = openSync(directory.file(), 'a');
  await listener.take(1);
  await directory.emptied();
  await send('second'); // waits for the end of the take
  clock.move(3 * 60 * 1000);
  for (let i = 0; i < 500; i += 1) writeSync(held, `data: ${'x'.repeat(10_000)}\n\n`);
  await listener.take(501);
  closeSync(held);

  await reopen();

  await expectKnown('key');
});

test.each([
  ['', 0],
  [' and the clock was set back', -DAY_MS],
  [' and the clock was set forward', 3 * DAY_MS],
])('keys of the last two minutes are known after a restart, even if many messages came since%s', async (_, ms) => {
  await send('key');
  const long = 'x'.repeat(30_000);
  await Promise.all(Array.from({ length: 200 }, () => store.append(henry, letter(long))));

  clock.move(ms);
  await reopen();

  await expectKnown('key');
});
