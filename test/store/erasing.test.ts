import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { namesIn } from '../../src/files/disk.ts';
import { ourBlockWithoutText } from '../../src/files/erased-text.ts';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { endMarker, mergedFrame, messageFrames } from '../../src/files/frames.ts';
import { messageData } from '../../src/words/message-data.ts';
import type { Appended, MailEvent, Message } from '../../src/words/mailbox-store.ts';
import { MailboxDirectory } from '../support/store-files.ts';
import { Listener, henry, jjeong, letter, mina, readAll } from '../support/store-mail.ts';
import { until } from '../support/until.ts';

const SECRET = 'the "secret" \\ 비밀 text';
const PNG = Buffer.from('a picture');
const FILE = {
  name: 'a.png',
  type: 'image/png',
  bytes: PNG.length,
  sha256: createHash('sha256').update(PNG).digest('hex'),
};
const NOW = Date.UTC(2026, 10, 20);

let directory: MailboxDirectory;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  store = directory.open();
});

afterEach(() => directory.remove());

function change(type: 'edit' | 'remove', of: string, but: Partial<Message> = {}): Promise<Appended> {
  return store.append(henry, letter('', { type, of, ...but }));
}

/** The files that have a text in them, in any of the forms that it may have. */
function filesWith(text: string): string[] {
  const forms = [text, JSON.stringify(text).slice(1, -1)];
  const entries = readdirSync(directory.path, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  return paths.filter((path) => forms.some((form) => readFileSync(path).includes(form)));
}

function isEnded(name: string): boolean {
  return /^\d/.test(name);
}

function put(path: string, text: string): void {
  mkdirSync(dirname(directory.in(path)), { recursive: true });
  writeFileSync(directory.in(path), text);
}

function said({ data }: MailEvent): { message: string; replyTo?: string; files?: object[] } {
  return JSON.parse(data);
}

function lineOf(message: string, but: Partial<Message> = {}): string {
  return messageData(letter(message, but), NOW);
}

/** Puts the secret between two other messages. Resolves to its id. */
const PLACES: Readonly<Record<string, () => Promise<string>>> = {
  'still waits': async () => {
    await store.append(henry, letter('before'));
    const { event } = await store.append(henry, letter(SECRET));
    await store.append(henry, letter('after'));
    return event.id;
  },
  'was just received': async () => {
    const id = await PLACES['still waits']!();
    await readAll(store);
    await directory.emptied();
    return id;
  },
  'was received long ago': () => {
    const events = ['before', SECRET, 'after'].map((text, i) => ({ id: `5-${i}`, data: lineOf(text) }));
    const piece = messageFrames({ own: '0-0' }, events) + endMarker({ own: '5-2' }, '9-0', 9);
    put('.delivered/henry/0-0_9-0.txt', piece);
    return Promise.resolve('5-1');
  },
  'is in a merged piece': () => {
    const frames = ['before', SECRET, 'after'].map((text, i) => mergedFrame({ id: `5-${i}`, data: lineOf(text) }));
    put('.delivered/henry/0-0_9-0.log', frames.join(''));
    return Promise.resolve('5-1');
  },
};

describe.each(Object.entries(PLACES))('a message that %s', (_, place) => {
  test('is gone from the directory once it is removed, and nothing else changes', async () => {
    const id = await place();
    const before = await readAll(store);

    const { event } = await change('remove', id);

    expect(filesWith(SECRET)).toEqual([]);
    const after = await readAll(store);
    expect(after.slice(0, -1).filter((each) => each.id !== id)).toEqual(before.filter((each) => each.id !== id));
    expect(after.map((each) => each.id)).toEqual([...before.map((each) => each.id), event.id]);
    const erased = after.find((each) => each.id === id)!;
    const original = before.find((each) => each.id === id)!;
    expect(JSON.parse(erased.data)).toEqual({ ...JSON.parse(original.data), message: '' });
    expect(
      erased.data.replaceAll(' ', '').startsWith('{"sender":"jjeong","receiver":"henry","message":"","time"'),
    ).toBe(true);
    expect(await readAll(directory.open())).toEqual(after);
  });

  test('loses its old texts when it is edited', async () => {
    const id = await place();

    await change('edit', id, { message: 'a second secret' });
    await change('edit', id, { message: 'the last text' });

    expect([SECRET, 'a second secret'].flatMap(filesWith)).toEqual([]);
    const texts = (await readAll(store)).map((event) => said(event).message);
    expect(texts).toEqual(['before', '', 'after', '', 'the last text']);
  });
});

test('edits that were on their way when the message was removed are erased, too', async () => {
  const id = await PLACES['is in a merged piece']!();
  await change('edit', id, { message: 'a secret before' });

  await change('remove', id);
  for (const n of [1, 2]) await change('edit', id, { message: `a secret after ${n}` });

  expect(filesWith('secret')).toEqual([]);
});

test('an edit leaves the files and the reply of a message, a removal does not', async () => {
  const replyTo = '1763600000000-0';
  await store.files.put(henry, jjeong, Readable.from([PNG]));
  const { event } = await store.append(henry, letter(SECRET, { replyTo, files: [FILE] }));

  await change('edit', event.id, { message: 'a caption' });
  const edited = said((await store.get(henry, event.id))!);
  await change('remove', event.id);

  expect(edited).toMatchObject({ message: '', replyTo, files: [FILE] });
  expect(Object.keys(said((await store.get(henry, event.id))!))).toEqual([
    'sender',
    'receiver',
    'message',
    'time',
    'key',
  ]);
  expect([SECRET, 'a caption', 'a.png', 'a picture'].flatMap(filesWith)).toEqual([]);
});

test('a key that is used again after its message was erased gives the first event', async () => {
  const message = letter(SECRET);
  const { event } = await store.append(henry, message);
  const removal = letter('', { type: 'remove', of: event.id });
  const removed = await store.append(henry, removal);

  const again = await store.append(henry, message);

  expect(again).toMatchObject({ repeated: true, event: { id: event.id } });
  expect(await store.append(henry, removal)).toEqual({ event: removed.event, repeated: true });
  expect(await readAll(store)).toHaveLength(2);
});

test('a message of another program is erased, whatever its JSON looks like', async () => {
  const json = { key: 'k', files: [FILE], message: SECRET, time: 't', sender: 'JJeong', more: [1] };
  const lines = JSON.stringify(json, undefined, 1).replaceAll('\n', '\r\ndata:');
  appendFileSync(directory.file(), `data: one\n\ndata:${lines}\r\n\r\ndata: two\n\n`);
  const [one, message, two] = await readAll(store);

  await change('remove', message!.id);

  expect([SECRET, 'a.png'].flatMap(filesWith)).toEqual([]);
  const [first, erased, third] = await readAll(store);
  expect([first, third]).toMatchObject([
    { id: one!.id, data: 'one' },
    { id: two!.id, data: 'two' },
  ]);
  expect(erased).toMatchObject({ id: message!.id, foreign: true });
  expect(said(erased!)).toEqual({ key: 'k', message: '', time: 't', sender: 'JJeong', more: [1] });
});

test('nothing is left to erase once a message is removed that its own program removed before', async () => {
  const message = { sender: 'jjeong', receiver: 'henry', message: SECRET, key: 'k', time: 't' };
  appendFileSync(directory.file(), `data: ${JSON.stringify(message)}\n\n`);
  const [foreign] = await readAll(store);
  const removal = JSON.stringify({ sender: 'jjeong', of: foreign!.id });
  appendFileSync(directory.file(), `event: remove\ndata: ${removal}\n\n`);

  await change('remove', foreign!.id);

  expect(filesWith(SECRET)).toEqual([]);
  expect(readdirSync(directory.in('.changes'))).toEqual([]);
});

test('late mail is erased where it was written, too', async () => {
  const open = openSync(directory.file(), 'a');
  await store.append(henry, letter('before'));
  const listener = await Listener.open(store);
  await listener.next();
  const piece = await until('the piece to end', () => namesIn(directory.in('.taken/henry')).find(isEnded));
  writeSync(open, `data: ${lineOf(SECRET)}\n\n`);
  closeSync(open);
  const late = await listener.next();
  expect(filesWith(SECRET)).toContain(directory.in('.taken/henry', piece));

  await change('remove', late.id);

  expect(filesWith(SECRET)).toEqual([]);
  expect((await readAll(directory.open())).map(({ id }) => id)).toHaveLength(3);
});

test('changes that another program wrote, or somebody else, erase nothing', async () => {
  const { event } = await store.append(henry, letter(SECRET));
  const removal = JSON.stringify({ sender: 'jjeong', of: event.id });
  appendFileSync(directory.file(), `event: remove\ndata: ${removal}\n\n`);

  await change('remove', event.id, { sender: mina });
  await change('edit', event.id, { sender: mina, message: 'not mine' });

  expect((await store.get(henry, event.id))!.data).toBe(event.data);
  expect(filesWith('not mine')).toHaveLength(1);
});

test('what a process that died has left is erased at the next start', async () => {
  const { event } = await store.append(henry, letter(SECRET));
  await store.close();
  const data = lineOf('', { type: 'remove', of: event.id });
  appendFileSync(directory.file(), messageFrames({ own: event.id }, [{ id: '9000000000000-0', data, type: 'remove' }]));
  writeFileSync(directory.in('.changes', `henry~${event.id}`), '');

  await directory.open().ready();

  expect(filesWith(SECRET)).toEqual([]);
  expect(readdirSync(directory.in('.changes'))).toEqual([]);
});

test('who reads while messages are removed sees each one whole or empty', async () => {
  const texts = Array.from({ length: 40 }, (_, i) => `${i} ${SECRET.repeat(200)}`);
  const ids: string[] = [];
  for (const text of texts) ids.push((await store.append(henry, letter(text))).event.id);
  const over = new AbortController();

  const removing = Promise.all(ids.map((id) => change('remove', id))).finally(() => over.abort());
  const seen = new Set<string>();
  while (!over.signal.aborted) {
    for (const event of await readAll(store)) if (!event.type) seen.add(said(event).message);
    await setImmediate(); // what is in memory is read without a pause
  }
  await removing;

  expect([...seen].filter((text) => text !== '' && !texts.includes(text))).toEqual([]);
  expect(filesWith(SECRET)).toEqual([]);
});

test.each([true, false])('a text that is half erased is erased by the next try (edited: %s)', (isEdited) => {
  const text = '"}\n\\","time":"","files":[{"' + SECRET;
  const data = lineOf(text, { name: 'JJeong,', replyTo: '5-0', files: [FILE], sender: jjeong, key: '"time":"' });
  const block = Buffer.from(messageFrames({ own: '0-0' }, [{ id: '5-0', data }]))
    .toString('latin1')
    .trimStart();
  const erased = ourBlockWithoutText(block, isEdited);

  for (let cut = 0; cut <= block.length; cut += 1) {
    const torn = erased.slice(0, cut) + block.slice(cut);
    expect(ourBlockWithoutText(torn, isEdited)).toBe(erased);
  }

  const files = isEdited ? { replyTo: '5-0', files: [FILE] } : {};
  expect(said({ data: erased.split('data: ')[1]!.trimEnd() } as MailEvent)).toMatchObject({ message: '', ...files });
});
