import { appendFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { MAX_EVENT_BYTES } from '../../src/files/read-state.ts';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { Clock, MailboxDirectory } from '../support/store-files.ts';
import { Listener, henry, letter, readAll, textsOf } from '../support/store-mail.ts';

let directory: MailboxDirectory;
let store: FileMailboxes;
let uptime: Clock;

beforeEach(() => {
  directory = new MailboxDirectory();
  uptime = new Clock(0);
  store = directory.open({ uptimeMs: uptime.now });
});

afterEach(() => directory.remove());

test.each([1.1, 1.9, 2.5])('half a line of %d MiB becomes void with the next message', async (mebi) => {
  await store.append(henry, letter('before'));
  const half = `data: ${'x'.repeat(mebi * MAX_EVENT_BYTES)}`;
  appendFileSync(directory.file(), half);

  await store.append(henry, letter('after'));

  expect(await directory.read()).toContain('xxx\n: torn\n\n');
  expect(textsOf(await readAll(store))).toEqual(['before', 'after']);
  await store.close();
  store = directory.open();
  expect(textsOf(await readAll(store))).toEqual(['before', 'after']);
});

test.each([
  ['a line', 'data: hi\r\n'],
  ['an event', 'data: hi\r\n\r\n'],
  ['many lines', 'one\ntwo\nthree\n\n'],
])('%s in UTF-16 does not hide the event after it', async (_, text) => {
  const listener = await Listener.open(store);
  const strange = Buffer.concat([Buffer.from(`\ufeff${text}`, 'utf16le'), Buffer.from('data: good\n\n')]);

  appendFileSync(directory.file(), strange);

  expect((await listener.next()).data).toBe('good');
});
