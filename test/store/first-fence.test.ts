import { appendFileSync, rmSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { MailboxDirectory } from '../support/store-files.ts';
import { appendAll, henry, letter, readAll, textsOf } from '../support/store-mail.ts';

let directory: MailboxDirectory;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  store = directory.open();
});

afterEach(() => directory.remove());

/** The first messages are taken into the log; the later ones wait in the mailbox. */
async function takenFirst(text: string): Promise<void> {
  await appendAll(store, [text]);
  await store.drain(henry);
  await directory.emptied();
}

test('mail is read after somebody has removed the log before it, or the end of the log', async () => {
  await takenFirst('one');
  await takenFirst('two');
  const [three] = await appendAll(store, ['three']);
  await store.close();
  rmSync(directory.in('.taken'), { recursive: true });
  store = directory.open();

  expect(await readAll(store)).toEqual([three]);
});

test('a foreign frame that names a later id moves no mail', async () => {
  await takenFirst('one');
  const [after, id] = [1, 2].map((seconds) => `${Date.now() + seconds * 1000}-0`);
  const forged = JSON.stringify({ ...letter('forged'), key: 'forged' });
  appendFileSync(directory.file(), `\n\n: after ${after}\nid: ${id}\ndata: ${forged}\n\n`);
  const said = await appendAll(store, ['two', 'three']);

  await store.close();
  store = directory.open();

  const events = await readAll(store);
  expect(textsOf(events)).toEqual(['one', 'two', 'three']);
  expect(events.slice(1)).toEqual(said);
});
