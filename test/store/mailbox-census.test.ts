import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { MailboxCensus } from '../../src/files/mailbox-census.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';

function censusOf(dir: string, maxNames?: number): MailboxCensus {
  const census = new MailboxCensus(dir, maxNames);
  afterThisTest(() => census.close());
  return census;
}

function mailboxes(dir: string, count: number, text: string): void {
  for (let i = 0; i < count; i += 1) writeFileSync(join(dir, `m${i}.txt`), text);
}

test('A census counts mailbox files and their bytes, and nothing else', async () => {
  const dir = temporaryDirectory();
  mailboxes(dir, 3, 'data: hi\n\n');
  writeFileSync(join(dir, 'notes.md'), 'notes');
  writeFileSync(join(dir, '.hidden.txt'), 'hidden');
  mkdirSync(join(dir, 'directory.txt'));
  symlinkSync('notes.md', join(dir, 'link.txt'));

  expect(await censusOf(dir).take()).toEqual({ mailboxes: 3, bytes: 30 });
});

test('A large directory is counted bit by bit; while that goes on, the last complete count is told', async () => {
  const dir = temporaryDirectory();
  mailboxes(dir, 10, 'x');
  const census = censusOf(dir, 6);

  expect(await census.take()).toEqual({ mailboxes: 6, bytes: 6 }); // so far
  expect(await census.take()).toEqual({ mailboxes: 10, bytes: 10 });
  mailboxes(dir, 10, 'xyz');
  expect(await census.take()).toEqual({ mailboxes: 10, bytes: 10 });
  expect(await census.take()).toEqual({ mailboxes: 10, bytes: 30 });
});

test('Who asks while a census is under way gets the same one', async () => {
  const dir = temporaryDirectory();
  mailboxes(dir, 10, 'x');
  const census = censusOf(dir, 6);

  const both = await Promise.all([census.take(), census.take()]);

  expect(both).toEqual([
    { mailboxes: 6, bytes: 6 },
    { mailboxes: 6, bytes: 6 },
  ]);
});

test('What cannot be read is not known, rather than 0, until it can be read', async () => {
  const dir = join(temporaryDirectory(), 'mailboxes');
  const census = censusOf(dir);

  expect(await census.take()).toEqual({ mailboxes: NaN, bytes: NaN });
  mkdirSync(dir);
  mailboxes(dir, 1, 'x');
  expect(await census.take()).toEqual({ mailboxes: 1, bytes: 1 });
  rmSync(dir, { recursive: true });
  expect(await census.take()).toEqual({ mailboxes: NaN, bytes: NaN });
});

test('A closed census holds nothing open and tells what it knows', async () => {
  const dir = temporaryDirectory();
  mailboxes(dir, 10, 'x');
  const census = censusOf(dir, 6);
  const taking = census.take();

  await census.close();

  expect((await taking).mailboxes).toBeLessThanOrEqual(6);
  expect(await census.take()).toEqual(await taking);
});
