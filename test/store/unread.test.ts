import { chmodSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { MailboxDirectory } from '../support/store-files.ts';
import { appendAll, henry } from '../support/store-mail.ts';

const NOBODY = 65_534;
const asRoot = process.geteuid?.() === 0 ? test : test.skip;
let directory: MailboxDirectory;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  store = directory.open();
});

afterEach(async () => {
  process.seteuid!(0);
  await directory.remove();
});

asRoot('a mailbox that could not be read yet does not tell its oldest and newest ids', async () => {
  await appendAll(store, ['one']);
  await store.close();
  chmodSync(directory.file(), 0o600);
  const other = new MailboxDirectory();
  writeFileSync(other.file(), await directory.read(), { mode: 0o600 });
  writeFileSync(other.in('.layout'), '2\n', { mode: 0o644 });
  chmodSync(other.path, 0o777);
  process.seteuid!(NOBODY);
  store = other.open();

  await expect(store.ends(henry)).rejects.toMatchObject({ code: 'MAILBOX_UNUSABLE' });

  process.seteuid!(0);
  await other.remove();
});
