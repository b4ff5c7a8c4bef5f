import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { appendFileSync, existsSync } from 'node:fs';
import { silent } from '../../src/words/logger.ts';
import { MailboxDirectory } from '../support/store-files.ts';
import { Listener, appendAll, henry, letter, mina } from '../support/store-mail.ts';

let directory: MailboxDirectory;

beforeEach(() => {
  directory = new MailboxDirectory();
});

afterEach(() => directory.remove());

test('a listener makes no mailbox, and gets what another program writes into a new one', async () => {
  const warnings: unknown[] = [];
  const logger = { ...silent, warn: (warning: unknown) => warnings.push(warning) };
  const store = directory.open({ logger });

  const listener = await Listener.open(store, mina);
  expect(existsSync(directory.file('mina'))).toBe(false);
  for (const text of ['from a program', 'from it again']) {
    appendFileSync(directory.file('mina'), `data: ${text}\n\n`);
    expect((await listener.next()).data).toBe(text);
  }

  expect(warnings).toEqual([]);
});

test('a listener gets the first message that is sent, and those of other programs after it', async () => {
  const store = directory.open();
  const listener = await Listener.open(store);

  const [first] = await appendAll(store, ['hi']);

  expect(await listener.next()).toMatchObject({ id: first!.id });
  appendFileSync(directory.file(), 'data: from a program\n\n');
  expect((await listener.next()).data).toBe('from a program');
});

test('people who are expected get a mailbox even when no more may be made', async () => {
  const store = directory.open({ maxNewMailboxes: 0, isExpected: (name) => name === mina });

  await expect(store.append(henry, letter('hi'))).rejects.toMatchObject({ code: 'MAILBOX_FULL' });
  await store.append(mina, letter('hi', { receiver: mina }));

  expect(existsSync(directory.file('mina'))).toBe(true);
});
