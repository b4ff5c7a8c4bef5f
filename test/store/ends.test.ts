import { appendFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { MailboxDirectory } from '../support/store-files.ts';
import { henry } from '../support/store-mail.ts';

test('a mailbox knows that an early id was reached, before it has read what waits', async () => {
  const directory = new MailboxDirectory();
  appendFileSync(directory.file(), '\n\ndata: hi\n\n');
  const store = directory.open();

  const early = await store.ends(henry, '0-0');
  const { newest } = await store.ends(henry);
  const late = await store.ends(henry, newest);

  expect(early.newest).toBe('0-0');
  expect(store.compare(newest, '0-0')).toBeGreaterThan(0);
  expect(late.newest).toBe(newest);
  await directory.remove();
});

test('a mailbox tells its newest id, even while it is read for the first time, for somebody else', async () => {
  const directory = new MailboxDirectory();
  const count = 3000; // more than is read in one go, with so long a text
  appendFileSync(directory.file(), `\n\ndata: ${'x'.repeat(1000)}\n\n`.repeat(count));
  const store = directory.open();

  const newest = await new Promise((resolve) => {
    const unwatch = store.watch(henry, () => resolve(store.ends(henry, `0-0.${count}`).then((ends) => ends.newest)));
    unwatch.catch(() => undefined);
  });

  expect(newest).toBe(`0-0.${count}`);
  await directory.remove();
});
