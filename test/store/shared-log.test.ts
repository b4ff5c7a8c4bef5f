import { appendFileSync, linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { namesIn } from '../../src/files/disk.ts';
import { MailboxDirectory } from '../support/store-files.ts';
import { Listener, henry, letter, readAll, textsOf } from '../support/store-mail.ts';
import { until } from '../support/until.ts';

/** A piece moves after a few seconds of this clock. */
const fastClock = { uptimeMs: () => performance.now() * 10 };

let directory: MailboxDirectory;

beforeEach(() => {
  directory = new MailboxDirectory();
});

afterEach(() => directory.remove());

const delivered = (): string[] => namesIn(directory.in('.delivered', 'henry')).filter((name) => name.endsWith('.txt'));

test('a file that the group has open or linked can no longer change mail that has moved to the log', async () => {
  const store = directory.open({ groupWritable: true, ...fastClock });
  await store.append(henry, letter('as it was said'));
  linkSync(directory.file(), directory.in('kept'));
  await (await Listener.open(store)).take(1);
  await until('a piece of the log', () => delivered().length === 1);
  const forged = readFileSync(directory.in('kept'), 'utf8').replace('as it was said', 'as it was FAKE');

  writeFileSync(directory.in('kept'), forged);

  await store.close();
  const again = directory.open({ groupWritable: true });
  expect(textsOf(await readAll(again))).toEqual(['as it was said']);
  expect(statSync(join(directory.in('.delivered', 'henry'), delivered()[0]!)).mode & 0o777).toBe(0o600);
});

test('a piece that was copied to the log just before a crash is there once', async () => {
  const store = directory.open({ groupWritable: true, ...fastClock });
  appendFileSync(directory.file(), 'data: of another program\n\n');
  await (await Listener.open(store)).take(1);
  await until('a piece of the log', () => delivered().length === 1);
  await store.close();
  const [piece = ''] = delivered();
  const copied = readFileSync(directory.in('.delivered', 'henry', piece));
  mkdirSync(directory.in('.taken', 'henry'), { recursive: true });
  writeFileSync(directory.in('.taken', 'henry', piece), copied);

  const again = directory.open({ groupWritable: true });

  expect(textsOf(await readAll(again))).toEqual(['of another program']);
});
