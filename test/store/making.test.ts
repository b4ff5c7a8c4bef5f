import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { appendFileSync, existsSync } from 'node:fs';
import { silent } from '../../src/words/logger.ts';
import { MailboxDirectory } from '../support/store-files.ts';
import { Listener, henry, letter, mina } from '../support/store-mail.ts';

let directory: MailboxDirectory;

beforeEach(() => {
  directory = new MailboxDirectory();
});

afterEach(() => directory.remove());

test('a listener gets new mail even if no more mailboxes may be made, and nothing is logged', async () => {
  const warnings: unknown[] = [];
  const logger = { ...silent, warn: (warning: unknown) => warnings.push(warning) };
  const store = directory.open({ maxNewMailboxes: 1, logger });
  await store.append(henry, letter('hi'));

  const listener = await Listener.open(store, mina);
  expect(existsSync(directory.file('mina'))).toBe(false);
  appendFileSync(directory.file('mina'), 'data: from a program\n\n');

  expect((await listener.next()).data).toBe('from a program');
  expect(warnings).toEqual([]);
});
