import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { Clock, MailboxDirectory } from '../support/store-files.ts';
import {
  Listener,
  appendAll,
  henry,
  jjeong,
  letter,
  mina,
  numbered,
  readAll,
  textOf,
  textsOf,
} from '../support/store-mail.ts';
import { until } from '../support/until.ts';

jest.setTimeout(30_000);

const asRoot = process.getuid!() === 0 ? test : test.skip;
const UNUSABLE = { code: 'MAILBOX_UNUSABLE' };
const FULL = { code: 'MAILBOX_FULL' };

let directory: MailboxDirectory;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  store = directory.open();
});

afterEach(() => directory.remove());

describe('the mailbox file', () => {
  test('can be read only by its owner, unless the group may append, even after a drain', async () => {
    const shared = directory.openAt(directory.in('shared'), { groupWritable: true });
    const modeOf = (path: string) => statSync(path).mode & 0o777;

    await store.append(henry, letter('hi'));
    await shared.append(henry, letter('hi'));
    await shared.append(mina, letter('hi', { receiver: mina }));

    expect(modeOf(directory.file())).toBe(0o600);
    expect(modeOf(directory.in('shared', 'henry.txt'))).toBe(0o660);
    expect(modeOf(directory.in('shared', 'mina.txt'))).toBe(0o660);
    expect(statSync(directory.in('shared')).mode & 0o7777).toBe(0o3770);
    expect(modeOf(directory.in('shared', '.locks'))).toBe(0o700);
    await (await Listener.open(shared)).take(1);
    await until('the take', () => statSync(directory.in('shared', 'henry.txt')).size === 0);
    expect(modeOf(directory.in('shared', 'henry.txt'))).toBe(0o660);
  });

  test('is open to the group after a take, even if another program made it', async () => {
    const shared = directory.openAt(directory.path, { groupWritable: true });
    writeFileSync(directory.file(), 'data: from a page\n\n', { mode: 0o644 });

    await (await Listener.open(shared)).take(1);
    await directory.emptied();

    expect(statSync(directory.file()).mode & 0o777).toBe(0o664);
  });

  test('is opened to the group if it existed before, unless it is a link', async () => {
    await store.append(henry, letter('hi'));
    const secret = directory.in('secret');
    writeFileSync(secret, '', { mode: 0o600 });
    symlinkSync(secret, directory.file('mina'));
    linkSync(secret, directory.file('other'));
    mkdirSync(directory.file('folder'));

    directory.openAt(directory.path, { groupWritable: true });

    expect(statSync(directory.file()).mode & 0o777).toBe(0o660);
    expect(statSync(secret).mode & 0o777).toBe(0o600);
  });

  test('holds waiting mail as readable frames', async () => {
    const clock = new Clock(Date.UTC(2026, 10, 20, 1, 2, 3));
    store = directory.open({ now: clock.now });

    await store.append(henry, letter('안녕\nhi', { key: 'first' }));
    await store.append(henry, letter('hi', { key: 'second' }));

    const time = '2026-11-20T01:02:03.000Z';
    expect(await directory.read()).toBe(
      `\n\n: after 0-0\nid: ${clock.now()}-0\n` +
        `data: {"sender":"jjeong","receiver":"henry","message":"안녕\\nhi","time":"${time}","key":"first"}\n\n` +
        `\n\n: after ${clock.now()}-0\nid: ${clock.now()}-1\n` +
        `data: {"sender":"jjeong","receiver":"henry","message":"hi","time":"${time}","key":"second"}\n\n`,
    );
  });

  test('is valid text/event-stream, and so is the log', async () => {
    const waiting = await appendAll(store, ['one', 'two\r\n\n', 'three']);
    expect(parseStream(await directory.read())).toEqual(waiting.map(({ id, data }) => ({ id, data })));

    appendFileSync(directory.file(), 'event: wakeup\ndata: line one\ndata: line two\n\n');
    const events = await readAll(store);

    await directory.emptied();
    expect(parseStream(readPieces())).toEqual(
      events.map(({ id, data, type }) => (type === undefined ? { id, data } : { id: undefined, data, event: type })),
    );
  });

  test('can be read only by its owner when we make it, like all our files', async () => {
    await store.append(henry, letter('hi'));
    expect(modeOf(directory.file())).toBe(0o600);

    const { event } = await store.append(henry, letter('hi'));
    await readAll(store);
    await store.mark(henry, 'delivered', event.id);
    await store.close();

    for (const name of ['.taken', '.taken/henry', '.delivered', '.marks', '.locks']) {
      expect([name, modeOf(directory.in(name))]).toEqual([name, 0o700]);
    }
    for (const name of ['.marks/henry.json', `.taken/henry/0-0_${event.id}.txt`]) {
      expect([name, modeOf(directory.in(name))]).toEqual([name, 0o600]);
    }
  });

  test('exists and is empty after it was read, with the same mode', async () => {
    await store.append(henry, letter('hi'));
    chmodSync(directory.file(), 0o664);

    const listener = await Listener.open(store);
    await listener.take(1);
    await directory.emptied();

    expect(modeOf(directory.file())).toBe(0o664);
  });

  asRoot('keeps its owner and group when it is emptied', async () => {
    await store.append(henry, letter('hi'));
    chmodSync(directory.file(), 0o620);
    chownSync(directory.file(), 12_345, 23_456);

    const listener = await Listener.open(store);
    appendFileSync(directory.file(), 'data: more\n\n');
    await listener.take(2);
    await directory.emptied();

    expect(statSync(directory.file())).toMatchObject({ size: 0, uid: 12_345, gid: 23_456 });
    expect(modeOf(directory.file())).toBe(0o620);
  });

  test('is empty again soon after its receiver has listened', async () => {
    const listener = await Listener.open(store);

    await appendAll(store, numbered('message', 3));

    expect(textsOf(await listener.take(3))).toEqual(numbered('message', 3));
    await expect(directory.emptied()).resolves.toBeUndefined();
  });

  test('comes back when somebody removes it, and accepts new mail', async () => {
    await appendAll(store, ['before']);
    const listener = await Listener.open(store);
    await listener.take(1);
    await directory.emptied();

    rmSync(directory.file());
    await until('the mailbox', () => existsSync(directory.file()));

    appendFileSync(directory.file(), 'data: hi\n\n');

    expect(textOf(await listener.next())).toBe('hi');
  });

  test('may be replaced when an editor saves it: what the editor wrote is mail', async () => {
    const listener = await Listener.open(store);
    writeFileSync(directory.in('henry.txt~'), 'data: saved\n\n');

    renameSync(directory.in('henry.txt~'), directory.file());

    expect(textOf(await listener.next())).toBe('saved');
    appendFileSync(directory.file(), 'data: hi\n\n');
    expect(textOf(await listener.next())).toBe('hi');
  });

  test('may be truncated by hand: what is appended later is mail', async () => {
    await appendAll(store, numbered('lost', 3));
    truncateSync(directory.file(), 0);

    const message = letter('kept');
    const first = await store.append(henry, message);

    expect(await store.append(henry, message)).toEqual({ event: first.event, repeated: true });
    expect(textsOf(await readAll(store))).toEqual(['kept']);
  });

  test('is read from its beginning if another file was moved into its place', async () => {
    await appendAll(store, numbered('henry', 3));
    renameSync(directory.file(), directory.in('away'));
    writeFileSync(directory.file(), 'data: other\n\n'.repeat(100));

    const { event } = await store.append(henry, letter('after'));

    const events = await readAll(store);
    expect(events).toHaveLength(101);
    expect(events.at(-1)).toEqual(event);
  });
});

describe('something else in place of a mailbox', () => {
  const SECRET = 'data: secret\n\n';
  const impostors: [what: string, make: (path: string) => void][] = [
    ['a symbolic link to a file', (path) => symlinkSync(directory.in('secret'), path)],
    ['a symbolic link to nothing', (path) => symlinkSync(directory.in('nothing'), path)],
    ['a symbolic link to another mailbox', (path) => symlinkSync('mina.txt', path)],
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a directory', (path) => mkdirSync(path)],
  ];

  beforeEach(() => writeFileSync(directory.in('secret'), SECRET));

  test.each(impostors)('%s is left alone, and only that mailbox fails', async (_, make) => {
    await store.append(mina, letter('mina', { receiver: mina }));
    make(directory.file());

    await expect(store.append(henry, letter('hi'))).rejects.toMatchObject(UNUSABLE);
    await Listener.open(store);
    await expect(store.append(henry, letter('hi'))).rejects.toMatchObject(UNUSABLE);

    expect(await readAll(store, henry)).toEqual([]);
    expect(await store.readBack(henry)).toEqual({ events: [] });
    expect(readFileSync(directory.in('secret'), 'utf8')).toBe(SECRET);
    expect(existsSync(directory.in('nothing'))).toBe(false);
    expect(textsOf(await readAll(store, mina))).toEqual(['mina']);
  });

  test.each(impostors)('%s can be moved away, and the mailbox works again', async (_, make) => {
    const before = await appendAll(store, ['before']);
    await readAll(store);
    await directory.emptied();
    rmSync(directory.file());
    make(directory.file());
    await expect(store.append(henry, letter('refused'))).rejects.toMatchObject(UNUSABLE);
    expect(await readAll(store)).toEqual(before);

    rmSync(directory.file(), { recursive: true });
    const { event } = await store.append(henry, letter('after'));

    expect(await readAll(store)).toEqual([...before, event]);
  });

  test('FIFOs delay nobody, however many there are', async () => {
    const stuck = numbered('fifo', 8).map((text) => mailboxName(text.replace(' ', '-')));
    execFileSync(
      'mkfifo',
      stuck.map((name) => directory.file(name)),
    );

    const appending = Promise.allSettled(stuck.map((name) => store.append(name, letter('hi'))));
    const { event } = await store.append(henry, letter('hi'));

    expect(await readAll(store)).toEqual([event]);
    for (const append of await appending) expect(append).toMatchObject({ reason: UNUSABLE });
  });

  asRoot('a device is left alone', async () => {
    execFileSync('mknod', [directory.file(), 'c', '1', '3']);

    await expect(store.append(henry, letter('hi'))).rejects.toMatchObject(UNUSABLE);
    await Listener.open(store);
    await expect(store.append(henry, letter('hi'))).rejects.toMatchObject(UNUSABLE);
  });
});

describe('a full mailbox', () => {
  test('accepts no more messages than allowed, whoever wrote them, until it is read', async () => {
    store = directory.open({ maxWaiting: 3 });
    appendFileSync(directory.file(), 'data: foreign\n\n');
    await appendAll(store, ['one', 'two']);
    const size = statSync(directory.file()).size;

    await expect(store.append(henry, letter('three'))).rejects.toMatchObject(FULL);
    expect(statSync(directory.file()).size).toBe(size);
    await readAll(store);
    await store.append(henry, letter('four'));

    expect(textsOf(await readAll(store))).toEqual(['foreign', 'one', 'two', 'four']);
  });

  test('accepts no more bytes than allowed', async () => {
    store = directory.open({ maxWaitingBytes: 1000 });
    await store.append(henry, letter('x'.repeat(1000)));

    await expect(store.append(henry, letter('more'))).rejects.toMatchObject(FULL);
    await store.append(mina, letter('others have room', { receiver: mina }));

    expect(textsOf(await readAll(store))).toEqual(['x'.repeat(1000)]);
  });

  test('accepts removals up to a tenth more than messages', async () => {
    store = directory.open({ maxWaiting: 10 });
    const of = (await appendAll(store, numbered('message', 10)))[0]!.id;

    const outcomes = await Promise.allSettled([
      store.append(henry, letter('one too many')),
      store.append(henry, letter('', { type: 'remove', of })),
      store.append(henry, letter('', { type: 'remove', of })),
    ]);

    expect(outcomes).toMatchObject([{ reason: FULL }, { status: 'fulfilled' }, { reason: FULL }]);
    expect(textsOf(await readAll(store))).toHaveLength(11);
  });

  test('still knows the keys of the messages it accepted', async () => {
    store = directory.open({ maxWaiting: 1 });
    const message = letter('hi');
    const first = await store.append(henry, message);

    expect(await store.append(henry, message)).toEqual({ event: first.event, repeated: true });
  });

  test('accepts new mail while its receiver listens', async () => {
    store = directory.open({ maxWaiting: 1 });
    const listener = await Listener.open(store);

    await appendAll(store, numbered('message', 5));

    expect(textsOf(await listener.take(5))).toEqual(numbered('message', 5));
  });
});

describe('beside the mailbox', () => {
  test('marks are in a separate file', async () => {
    const [first, second] = await appendAll(store, ['first', 'second']);
    await store.mark(henry, 'delivered', second!.id);
    await store.mark(henry, 'read:jjeong', first!.id);
    await store.close();

    expect(JSON.parse(readFileSync(directory.in('.marks/henry.json'), 'utf8'))).toEqual({
      delivered: second!.id,
      read: { jjeong: first!.id },
    });
  });

  test.each(['', '{"delivered":"17', 'null', '[]', '7', '{"delivered":7,"read":[]}', '{"delivered":"nonsense"}'])(
    'a marks file that contains %j counts as none',
    async (text) => {
      const [event] = await appendAll(store, ['hi']);
      writeFileSync(directory.in('.marks/henry.json'), text);

      expect(await store.marks(henry)).toEqual({});
      await store.mark(henry, 'delivered', event!.id);
      await store.close();

      expect(await directory.open().marks(henry)).toEqual({ delivered: event!.id });
    },
  );

  test('nothing is left of a forgotten mailbox', async () => {
    const { event } = await store.append(henry, letter('secret'));
    await readAll(store);
    appendFileSync(directory.file(), 'half a line');
    await readAll(store);
    await store.append(henry, letter('another secret'));
    await store.mark(henry, 'delivered', event.id);

    await store.forget(henry);
    await store.close();

    const left = readdirSync(directory.path, { recursive: true }).filter((path) => String(path).includes('henry'));
    expect(left).toEqual([]);
  });

  test('a lock that a dead process left is taken over', async () => {
    mkdirSync(directory.in('.locks/henry.lock'));

    const { event } = await store.append(henry, letter('hi'));

    expect(await readAll(store)).toEqual([event]);
  });

  test('nobody waits for a lock with a time in the future', async () => {
    mkdirSync(directory.in('.locks/henry.lock'));
    execFileSync('touch', ['-d', '+1 hour', directory.in('.locks/henry.lock')]);

    const { event } = await store.append(henry, letter('hi'));

    expect(await readAll(store)).toEqual([event]);
  });

  test('the store is not ready when its directory is gone', async () => {
    const moved = `${directory.path}-moved`;
    renameSync(directory.path, moved);

    await expect(store.ready()).rejects.toThrow();

    renameSync(moved, directory.path);
    await expect(store.ready()).resolves.toBeUndefined();
  });

  test('the directory is made if it does not exist', async () => {
    const path = directory.in('deep', 'down');
    const deeper = directory.openAt(path);

    await deeper.append(henry, letter('hi', { sender: jjeong }));

    expect(existsSync(`${path}/henry.txt`)).toBe(true);
  });
});

function modeOf(path: string): number {
  return statSync(path).mode & 0o7777;
}

function readPieces(): string {
  const dir = directory.in('.taken/henry');
  return readdirSync(dir)
    .map((name) => readFileSync(`${dir}/${name}`, 'utf8'))
    .join('');
}

function parseStream(text: string): Partial<EventSourceMessage>[] {
  const events: Partial<EventSourceMessage>[] = [];
  const parser = createParser({
    onEvent: ({ id, event, data }) => events.push(event === undefined ? { id, data } : { id, data, event }),
    onError: (error) => {
      throw error;
    },
  });
  parser.feed(text);
  return events;
}
