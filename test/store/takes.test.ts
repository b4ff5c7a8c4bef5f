import {
  appendFileSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import type { FileMailboxesOptions } from '../../src/files/store-context.ts';
import { silent } from '../../src/words/logger.ts';
import { Clock, MailboxDirectory } from '../support/store-files.ts';
import { Listener, appendAll, henry, letter, mina, numbered, readAll, textsOf } from '../support/store-mail.ts';
import { until } from '../support/until.ts';

jest.setTimeout(30_000);

const onLinux = process.platform === 'linux' ? test : test.skip;
const IDLE_MS = 3000;

let directory: MailboxDirectory;
let uptime: Clock;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  uptime = new Clock(0);
});

afterEach(() => directory.remove());

function open(options: FileMailboxesOptions = {}): FileMailboxes {
  store = directory.open({ uptimeMs: uptime.now, ...options });
  return store;
}

async function reopen(options: FileMailboxesOptions = {}): Promise<FileMailboxes> {
  await store.close();
  return open(options);
}

function namesIn(...path: string[]): string[] {
  const dir = directory.in(...path);
  return existsSync(dir) ? readdirSync(dir).toSorted() : [];
}

function taken(name = 'henry'): string[] {
  return namesIn('.taken', name);
}

/** Leaves a file among the taken pieces, like a process that died right after its rename. */
function leaveTaken(name: string, text: string | Buffer, mailbox = 'henry'): void {
  mkdirSync(directory.in('.taken', mailbox), { recursive: true });
  writeFileSync(directory.in('.taken', mailbox, name), text);
}

/** Renames the mailbox away, like a process that dies after that. */
function takeAndDie(): void {
  mkdirSync(directory.in('.taken', 'henry'), { recursive: true });
  renameSync(directory.file(), directory.in('.taken', 'henry', 'new-000000000000001-abc.txt'));
}

/** Resolves when all that was read is in named pieces of the log. */
async function settled(mailbox = henry): Promise<void> {
  await directory.emptied(mailbox);
  await until('the end of the take', () => !taken(mailbox).some((name) => name.startsWith('new')));
  await store.drain(mailbox); // its turn comes after the take
}

/** Reads all, and waits until the mailbox has been taken. */
async function drain(mailbox = henry): Promise<void> {
  await readAll(store, mailbox);
  await settled(mailbox);
}

/** Lets the time pass that pieces must be idle, until `isOver`. */
async function whileTimePasses<T>(isOver: () => T | undefined | false): Promise<T> {
  const passing = setInterval(() => uptime.move(IDLE_MS), 50);
  try {
    return await until('it to be over', isOver);
  } finally {
    clearInterval(passing);
  }
}

describe('a take with a failed step', () => {
  test('is tried again within a second or so', async () => {
    let failures = 0;
    const events = await appendAll(open({ logger: { ...silent, warn: () => (failures += 1) } }), ['one', 'two']);
    await readAll(store);
    mkdirSync(directory.in('.taken'), { recursive: true });
    writeFileSync(directory.in('.taken', 'henry'), 'in the way');
    await until('a failure', () => failures > 0);

    rmSync(directory.in('.taken', 'henry'));

    await until('one piece', () => taken().length === 1);
    expect(await readAll(store)).toEqual(events);
  });

  test('continues if the file has both its new name and its old one', async () => {
    const events = await appendAll(open(), ['one', 'two']);
    mkdirSync(directory.in('.taken', 'henry'), { recursive: true });
    linkSync(directory.file(), directory.in('.taken', 'henry', `0-0_${events[1]!.id}.txt`));

    await drain();

    expect(taken()).toEqual([`0-0_${events[1]!.id}.txt`]);
    const next = await appendAll(store, ['three']);
    expect(await readAll(await reopen())).toEqual([...events, ...next]);
  });

  test('hides nothing that was taken before a start, and continues by itself', async () => {
    const [first] = await appendAll(open(), ['first']);
    await drain();
    const [second] = await appendAll(store, ['second']);
    await store.close();
    takeAndDie();
    const [path, elsewhere] = [directory.in('.taken/henry/new-000000000000001-abc.txt'), directory.in('elsewhere')];
    renameSync(path, elsewhere);
    symlinkSync(elsewhere, path); // it cannot be opened now

    expect(await readAll(open())).toEqual([first]);
    renameSync(elsewhere, path);
    await until('the name of the piece', () => taken().includes(`${first!.id}_${second!.id}.txt`));

    expect(await readAll(store)).toEqual([first, second]);
  });
});

describe('a mailbox that was taken', () => {
  test('is a piece of the log, named by its start and end, with its end marker last', async () => {
    const [first, last] = await appendAll(open(), ['one', 'two']);
    await drain();

    expect(taken()).toEqual([`0-0_${last!.id}.txt`]);
    const text = readFileSync(directory.in('.taken/henry', taken()[0]!), 'utf8');
    expect(text).toContain(first!.data);
    expect(text).toMatch(new RegExp(`\n\n: after ${last!.id}\n: end ${last!.id} \\d+\n\n$`));
  });

  test('is retired after a while without writes', async () => {
    await appendAll(open(), ['one', 'two']);
    await drain();
    const names = taken();
    const events = await readAll(store);

    await whileTimePasses(() => taken().length === 0);

    expect(namesIn('.delivered', 'henry')).toEqual(names);
    expect(await readAll(store)).toEqual(events);
    expect(await readAll(await reopen())).toEqual(events);
  });

  test('is retired even if there was nothing to retire for a long time', async () => {
    open();
    await whileTimePasses(() => uptime.now() >= 10 * IDLE_MS);
    await appendAll(store, ['one']);
    await drain();

    await whileTimePasses(() => taken().length === 0);

    expect(namesIn('.delivered', 'henry')).toHaveLength(1);
  });

  test('is not retired before it has been idle for 3 s, even if another one has been idle for longer', async () => {
    await open().append(mina, letter('hi', { receiver: mina }));
    await drain(mina);
    uptime.move(1);
    await appendAll(store, ['one']);
    await drain();

    uptime.move(IDLE_MS - 1);
    await until('no piece of mina', () => taken('mina').length === 0);

    expect(taken()).toHaveLength(1);
  });

  onLinux('is not retired while a program has it open, and what that writes arrives', async () => {
    await appendAll(open(), ['one']);
    const writer = openSync(directory.file(), 'a');
    const listener = await Listener.open(store);
    await listener.next();
    await settled();
    await store.append(mina, letter('hi', { receiver: mina }));
    await drain(mina);

    await whileTimePasses(() => taken('mina').length === 0);
    expect(taken()).toHaveLength(1);
    writeSync(writer, 'data: late\n\n');
    expect(textsOf([await listener.next()])).toEqual(['late']);
    closeSync(writer);

    await whileTimePasses(() => taken().length === 0);
    expect(textsOf(await readAll(store))).toEqual(['one', 'late']);
  });

  onLinux('is kept by a restart while it is open, and none of it is shown again', async () => {
    await appendAll(open(), ['one']);
    appendFileSync(directory.file(), 'data: two\n\n');
    const writer = openSync(directory.file(), 'a');
    await drain();
    writeSync(writer, 'data: three\n\n');
    const before = await Listener.open(store, henry, '0-0');
    await before.take(3);

    await reopen();
    writeSync(writer, 'data: four\n\n');
    closeSync(writer);
    const listener = await Listener.open(store, henry, '0-0');

    expect(textsOf(await listener.take(4))).toEqual(['one', 'two', 'three', 'four']);
    await whileTimePasses(() => taken().length === 0);
    expect(textsOf(await readAll(await reopen()))).toEqual(['one', 'two', 'three', 'four']);
  });

  test('is followed by all its late mail, once and in order, whoever else writes', async () => {
    const writers = [];
    const listener = await Listener.open(open());
    for (const text of numbered('piece', 3)) {
      await store.append(henry, letter(text));
      await listener.next();
      writers.push(openSync(directory.file(), 'a'));
      await settled();
    }
    const late = numbered('late', 20);
    for (const [i, text] of late.entries()) {
      writeSync(writers[i % 3]!, `data: ${text}\n\n`);
      await store.append(henry, letter(`ours ${i}`));
    }
    for (const writer of writers) closeSync(writer);

    const texts = textsOf(await listener.take(40));

    for (let at = 0; at < 3; at += 1) {
      const ofOne = late.filter((_, i) => i % 3 === at);
      expect(texts.filter((text) => ofOne.includes(text))).toEqual(ofOne);
    }
    expect(texts.filter((text) => text.startsWith('ours'))).toEqual(numbered('ours', 20));
    expect(textsOf(await readAll(await reopen()))).toEqual([...numbered('piece', 3), ...texts]);
  });

  test('does not hold up a message until all its late mail was brought in, however short it is', async () => {
    const count = 20_000;
    const listener = await Listener.open(open());
    await store.append(henry, letter('one'));
    const writer = openSync(directory.file(), 'a');
    await listener.next();
    await settled();
    writeSync(writer, 'data: x\n\n'.repeat(count));
    closeSync(writer);
    await until('some of it to be brought in', () => statSync(directory.file()).size > 0);

    await store.append(henry, letter('two'));

    const texts = textsOf(await listener.take(count + 1));
    expect(texts.indexOf('two')).toBeLessThan(count);
  });

  test('does not hold up a message after a start until all of the log behind it was read', async () => {
    const listener = await Listener.open(open());
    await store.append(henry, letter('one'));
    const writer = openSync(directory.file(), 'a');
    await listener.next();
    await settled();
    await store.close();
    appendFileSync(directory.file(), `data: ${'x'.repeat(300)}\n\n`.repeat(20_000));
    writeSync(writer, 'data: late\n\n');
    closeSync(writer);

    await open().append(henry, letter('two'));

    expect(textsOf(await readAll(store)).slice(-2)).toEqual(['two', 'late']);
  });

  test('gets late mail with several lines and a type as it was written', async () => {
    const listener = await Listener.open(open());
    await store.append(henry, letter('one'));
    const writer = openSync(directory.file(), 'a');
    await listener.next();
    await settled();
    writeSync(writer, 'event: alert\r\ndata: a\r\ndata:\r\ndata: c\r\n\r\n');
    closeSync(writer);

    const late = await listener.next();

    expect(late).toMatchObject({ type: 'alert', data: 'a\n\nc' });
    expect((await readAll(await reopen())).at(-1)).toEqual(late);
  });

  test('is retired with all the others of its mailbox, however many', async () => {
    const texts = numbered('ours', 50);
    await Listener.open(open({ pieceBytes: 1 }));
    for (const text of texts) {
      await store.append(henry, letter(text));
      await settled();
    }
    const events = await readAll(store);
    expect(taken()).toHaveLength(50);

    await whileTimePasses(() => taken().length === 0); // the first try may miss processes that begin just then

    expect(await readAll(store)).toEqual(events);
    expect(await readAll(await reopen())).toEqual(events);
  });

  test('can be taken again', async () => {
    open();
    const expected = [];
    for (const text of numbered('theirs', 5)) {
      appendFileSync(directory.file(), `data: ${text}\n\n`);
      await store.append(henry, letter(`ours after ${text}`));
      expected.push(text, `ours after ${text}`);
      await drain();
    }

    expect(taken()).toHaveLength(5);
    expect(textsOf(await readAll(store))).toEqual(expected);
    expect(textsOf(await readAll(await reopen()))).toEqual(expected);
  });
});

describe('many small pieces', () => {
  /** Makes a piece for each message, all of them moved to the log. */
  async function pieces(count: number): Promise<void> {
    const listener = await Listener.open(open({ pieceBytes: 1 }));
    for (const text of numbered('piece', count)) {
      if (text.endsWith('7')) appendFileSync(directory.file(), `event: seven\ndata: foreign\ndata: ${text}\n\n`);
      else await store.append(henry, letter(text));
      await listener.next();
      await settled();
    }
  }

  test('become one file that reads as before, forwards, backwards and by keys', async () => {
    await pieces(39);
    const message = letter('known');
    const known = await store.append(henry, message);
    await settled();
    const events = await readAll(store);

    await whileTimePasses(() => namesIn('.delivered', 'henry').some((name) => name.endsWith('.log')));
    await whileTimePasses(() => taken().length === 0);

    for (const opened of [() => store, () => reopen()]) {
      const reader = await opened();
      expect(await readAll(reader)).toEqual(events);
      for (const i of [0, 6, 7, 30]) expect(await readAll(reader, henry, events[i]!.id)).toEqual(events.slice(i + 1));
      expect((await reader.readBack(henry, undefined, 50)).events).toEqual(events.toReversed());
      expect(await reader.append(henry, message)).toEqual({ event: known.event, repeated: true });
    }
  });

  test('that a crash left beside their merged file are removed', async () => {
    await pieces(40);
    const events = await readAll(store);
    await whileTimePasses(() => namesIn('.delivered', 'henry').some((name) => name.endsWith('.log')));
    const dir = directory.in('.delivered/henry');
    const merged = namesIn('.delivered', 'henry').find((name) => name.endsWith('.log'))!;
    const [, part] = readFileSync(`${dir}/${merged}`, 'utf8').split('\n', 1)[0]!.split(' ').slice(1);
    await store.close();
    writeFileSync(`${dir}/${part}`, 'data: part of it\n\n');
    writeFileSync(`${dir}/draft-abc`, 'half a draft');

    expect(await readAll(open())).toEqual(events);
    expect(existsSync(`${dir}/${part}`)).toBe(false);
    expect(existsSync(`${dir}/draft-abc`)).toBe(false);
  });

  test('with bytes that are not UTF-8 stay as they are', async () => {
    const listener = await Listener.open(open({ pieceBytes: 1 }));
    for (const text of numbered('piece', 40)) {
      appendFileSync(directory.file(), Buffer.from(`data: caf\xe9 ${text}\n\n`, 'latin1'));
      await listener.next();
      await settled();
    }

    await whileTimePasses(() => taken().length === 0);

    expect(namesIn('.delivered', 'henry')).toHaveLength(40);
    const [first] = namesIn('.delivered', 'henry');
    expect(readFileSync(directory.in('.delivered/henry', first!), 'latin1')).toContain('caf\xe9');
  });
});

describe('after a crash', () => {
  test('the take of a renamed mailbox is finished at the start, whether or not the mailbox is missing', async () => {
    const { event } = await open().append(henry, letter('ours'));
    appendFileSync(directory.file(), 'data: theirs\n\n');
    await store.close();
    takeAndDie();

    await open().ready();

    expect(taken()).toEqual([`0-0_${event.id}.1.txt`]);
    expect(textsOf(await readAll(store))).toEqual(['ours', 'theirs']);
    await Listener.open(store);
    expect(statSync(directory.file()).size).toBe(0);
  });

  test('a message in it is recognized when it is sent again', async () => {
    const message = letter('ours');
    const first = await open().append(henry, message);
    await store.close();
    takeAndDie();

    const again = await open().append(henry, message);

    expect(again).toEqual({ event: first.event, repeated: true });
    expect(await readAll(store)).toEqual([first.event]);
  });

  test('the next id comes after those in it', async () => {
    const clock = new Clock();
    const first = await open({ now: clock.now }).append(henry, letter('first'));
    await store.close();
    takeAndDie();
    clock.move(-60_000);

    const second = await open({ now: clock.now }).append(henry, letter('second'));

    expect(store.compare(second.event.id, first.event.id)).toBeGreaterThan(0);
    expect(await readAll(store)).toEqual([first.event, second.event]);
  });

  test('a piece with both its name and its old name comes once', async () => {
    appendFileSync(directory.file(), 'data: theirs\n\n');
    await open().append(henry, letter('ours'));
    await drain();
    const events = await readAll(store);
    await store.close();
    const dir = directory.in('.taken/henry');
    linkSync(`${dir}/${taken()[0]!}`, `${dir}/new-000000000000001-abc.txt`);

    expect(textsOf(await readAll(open()))).toEqual(textsOf(events));
    expect(taken()).toHaveLength(1);
  });

  test('a mailbox whose renames were undone by a power cut is taken again', async () => {
    await open().append(henry, letter('one'));
    appendFileSync(directory.file(), 'data: two\n\n');
    await drain();
    const events = await readAll(store);
    await store.close();
    renameSync(directory.in('.taken/henry', taken()[0]!), directory.file());
    appendFileSync(directory.file(), 'data: late\n\n');

    const listener = await Listener.open(open(), henry, '0-0');

    expect(textsOf(await listener.take(3))).toEqual(['one', 'two', 'late']);
    expect((await readAll(store)).slice(0, 2)).toEqual(events);
  });

  test('two pieces with the same start from two servers are both kept', async () => {
    const [first] = await appendAll(open(), ['one']);
    await drain();
    const [second] = await appendAll(store, ['two']);
    await drain();
    await store.close();
    const ahead = `${first!.id}_${Date.now() + 1000}-0.txt`;
    leaveTaken(ahead, `\n\n: after ${first!.id}\nid: ${Date.now()}-7\ndata: ${JSON.stringify(letter('other'))}\n\n`);

    const texts = textsOf(await readAll(open()));
    const third = await store.append(henry, letter('three'));

    expect(texts.toSorted()).toEqual(['one', 'other', 'two']);
    expect((await readAll(await reopen())).at(-1)).toEqual(third.event);
    expect(textsOf(await readAll(store))).toEqual([...texts, 'three']);
    expect(second).toBeDefined();
  });

  test('a successor that was never linked is removed', async () => {
    await appendAll(open(), ['one']);
    await store.close();
    leaveTaken('successor-abc', '');

    await Listener.open(open());

    expect(taken().filter((name) => name.startsWith('successor'))).toEqual([]);
    expect(textsOf(await readAll(store))).toEqual(['one']);
  });

  test('a successor that was linked but not removed does not make the mailbox unusable', async () => {
    leaveTaken('new-000000000000001-abc.txt', 'data: taken\n\n');
    leaveTaken('successor-abc', '');
    linkSync(directory.in('.taken', 'henry', 'successor-abc'), directory.file());

    const { event } = await open().append(henry, letter('ours'));

    const events = await readAll(store);
    expect(textsOf(events)).toEqual(['taken', 'ours']);
    expect(events[1]).toEqual(event);
    expect(statSync(directory.file()).nlink).toBe(1);
  });

  test('other files among the taken pieces are left alone', async () => {
    await open().close();
    leaveTaken('notes.txt', 'data: not mail\n\n');
    leaveTaken('1-abc', 'data: not mail\n\n');
    mkdirSync(directory.in('.taken', 'henry', '2-dir'));
    mkdirSync(directory.in('.taken', 'Not A Name'));
    await appendAll(open(), ['one']);

    expect(textsOf(await readAll(store))).toEqual(['one']);
    expect(existsSync(directory.in('.taken', 'henry', 'notes.txt'))).toBe(true);
  });

  test('a piece that vanishes does no harm', async () => {
    appendFileSync(directory.file(), 'data: one\n\n');
    const events = await readAll(open());
    await settled();
    rmSync(directory.in('.taken', 'henry', taken()[0]!));

    const { event } = await store.append(henry, letter('two'));

    expect(await readAll(store)).toEqual([...events, event]);
  });
});
