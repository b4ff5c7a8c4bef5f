import { appendFileSync, linkSync, mkdirSync, readdirSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { Clock, MailboxDirectory } from '../support/store-files.ts';
import { sha256Of } from '../support/files.ts';
import { henry, jjeong, letter, mina } from '../support/store-mail.ts';
import { until } from '../support/until.ts';

const HOUR_MS = 60 * 60 * 1000;
const CONTENT = 'a picture';
const HASH = sha256Of(CONTENT);
const NAMED = [{ name: 'a.png', type: 'image/png', bytes: CONTENT.length, sha256: HASH }];

let place: MailboxDirectory;
let clock: Clock;
let store: FileMailboxes;

beforeEach(() => {
  place = new MailboxDirectory();
  clock = new Clock();
  store = place.open({ now: clock.now });
});
afterEach(() => place.remove());

async function* contentOf(text: string): AsyncGenerator<Buffer> {
  yield Buffer.from(text);
}

async function storeFile(mailbox = henry): Promise<void> {
  await store.files.put(mailbox, jjeong, contentOf(CONTENT));
}

async function send(mailbox = henry): Promise<string> {
  const message = letter('look', { receiver: mailbox, files: NAMED });
  return (await store.append(mailbox, message)).event.id;
}

async function reopenAfter(hours: number): Promise<void> {
  await store.close();
  clock.move(hours * HOUR_MS);
  store = place.open({ now: clock.now });
}

function isKept(): boolean {
  return statSync(place.in('.files', HASH), { throwIfNoEntry: false }) !== undefined;
}

const claimsOf = (mailbox: string): string[] => readdirSync(place.in('.files/.claims', mailbox, HASH));

test('a file that no message names stays for a day', async () => {
  await storeFile();
  await store.files.put(mina, jjeong, contentOf('another'));

  await reopenAfter(23);
  await storeFile(mina); // this one begins its day
  await reopenAfter(2);
  await until('the other file to go', () => !readdirSync(place.in('.files')).includes(sha256Of('another')));

  expect(isKept()).toBe(true);
  await reopenAfter(23);
  await until('the file to go', () => !isKept());
});

test('a file that a message names stays', async () => {
  await storeFile();
  const id = await send();
  await store.files.put(mina, jjeong, contentOf('a marker'));

  await reopenAfter(25);
  await until('the marker to go', () => !readdirSync(place.in('.files')).includes(sha256Of('a marker')));

  expect(claimsOf('henry')).toEqual([`${id}_jjeong`]);
});

test('a file stays if the process died between its message and its claim, and goes if there is no message', async () => {
  await storeFile();
  const id = await send();
  await storeFile(mina);
  const claim = place.in('.files/.claims/henry', HASH, `${id}_jjeong`);
  renameSync(claim, place.in('.files/.claims/henry', HASH, `upload-${clock.now()}-aa_jjeong`));

  await reopenAfter(25);
  await until('the upload for mina to go', () => !readdirSync(place.in('.files/.claims')).includes('mina'));

  expect(claimsOf('henry')).toEqual([`${id}_jjeong`]);
});

test('a file that another program sent stays as long as its message', async () => {
  const put = (mailbox: string): void => {
    mkdirSync(place.in('.files/.claims', mailbox, HASH), { recursive: true });
    writeFileSync(place.in('.files/.claims', mailbox, HASH, `upload-${clock.now()}-1_`), CONTENT);
  };
  put('henry');
  put('mina');
  appendFileSync(place.file(), `\n\ndata: {"sender":"camera","message":"","files":${JSON.stringify(NAMED)}}\n\n`);

  await reopenAfter(25);
  await until('the other file to go', () => !readdirSync(place.in('.files/.claims')).includes('mina'));

  expect(claimsOf('henry')).toEqual([expect.stringMatching(/^\d+-\d+\.1_$/)]);
});

test('a file goes with the last message that names it, also if it was stored more often', async () => {
  for (let times = 0; times < 3; times += 1) await storeFile();
  const first = await send();
  const second = await send();

  await store.append(henry, letter('', { type: 'remove', of: first }));
  const between = isKept();
  await store.append(henry, letter('', { type: 'remove', of: second }));

  expect([between, isKept()]).toEqual([true, false]);
  expect(readdirSync(place.in('.files/.claims'))).toEqual([]);
});

test('a message that is sent again takes no more room', async () => {
  await store.close();
  store = place.open({ now: clock.now, filesBytes: 10_000 });
  await storeFile();
  const message = letter('look', { files: NAMED });

  for (let times = 0; times < 5; times += 1) await store.append(henry, message);

  await expect(store.files.put(henry, jjeong, contentOf('another'))).resolves.toMatchObject({ bytes: 7 });
});

test('a file that has been sent as often as a file may have names can be sent again', async () => {
  await storeFile();
  const content = place.in('.files', HASH);
  mkdirSync(place.in('names'));
  for (let i = 0; i < 30_000; i += 1) linkSync(content, place.in('names', String(i)));

  await storeFile();
  await send();

  expect(statSync(content).nlink).toBe(2);
});

test('a forgotten mailbox leaves no files, and takes none from others', async () => {
  await storeFile();
  await storeFile(mina);
  await send(mina);

  await store.forget(henry);

  expect(readdirSync(place.in('.files/.claims'))).toEqual(['mina']);
  expect(await store.files.find(mina, HASH)).toMatchObject({ bytes: CONTENT.length });
});

test('a file goes when the mail that names it is no longer kept', async () => {
  await storeFile();
  const id = await send();
  const claim = place.in('.files/.claims/henry', HASH, `${id}_jjeong`);
  renameSync(claim, place.in('.files/.claims/henry', HASH, '5-0_jjeong'));
  await store.close();
  mkdirSync(place.in('.delivered/henry'));
  writeFileSync(place.in('.delivered/henry', '10-0_20-0.txt'), '');

  await reopenAfter(0);

  await until('the file to go', () => !isKept());
});

test('a start removes what a killed process was storing', async () => {
  writeFileSync(place.in('.files', 'new-0123456789abcdef01'), 'half');

  await reopenAfter(0);

  expect(readdirSync(place.in('.files'))).toEqual([]);
});
