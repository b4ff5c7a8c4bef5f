import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { FileMailboxes, FileMailboxesOptions } from '../../src/files/file-mailboxes.ts';
import { mailboxName, type MailboxName } from '../../src/mailbox-name.ts';
import type { MailEvent } from '../../src/mailbox-store.ts';
import { Clock, MailboxDirectory, eventually } from '../support/store-files.ts';
import { Listener, appendAll, henry, letter, numbered, readAll, textsOf } from '../support/store-mail.ts';

jest.setTimeout(30_000);

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

let directory: MailboxDirectory;
let clock: Clock;
let uptime: Clock;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  clock = new Clock();
  uptime = new Clock(0);
});

afterEach(() => directory.remove());

function open(options: FileMailboxesOptions = {}): FileMailboxes {
  store = directory.open({ now: clock.now, ...options });
  return store;
}

async function reopen(options: FileMailboxesOptions = {}): Promise<FileMailboxes> {
  await store.close();
  return open(options);
}

function segments(): string[] {
  const names = readdirSync(directory.in('.delivered', 'henry'));
  return names.toSorted((a, b) => store.compare(a.slice(0, -'.log'.length), b.slice(0, -'.log'.length)));
}

function segment(at: number): string {
  return directory.in('.delivered', 'henry', segments().at(at)!);
}

/** Old segments are dropped once a minute; resolves when it has happened. */
async function dropped(): Promise<void> {
  const before = segments().length;
  uptime.move(MINUTE_MS + 1000);
  await eventually(() => segments().length < before);
}

async function pagesBack(limit: number): Promise<MailEvent[]> {
  const back: MailEvent[] = [];
  for (let before: string | undefined; ;) {
    const { events, more } = await store.readBack(henry, before, limit);
    back.push(...events);
    if (more === undefined) return back;
    before = more;
  }
}

describe('a log in segments', () => {
  const SMALL = { segmentBytes: 500 };

  test('is read as one from any cursor, forwards and backwards', async () => {
    await Listener.open(open(SMALL));
    const events = await appendAll(store, numbered('message', 20));
    expect(segments().length).toBeGreaterThan(5);

    for (const openReader of [() => store, () => reopen(SMALL)]) {
      const reader = await openReader();
      for (const [i, { id }] of events.entries()) expect(await readAll(reader, henry, id)).toEqual(events.slice(i + 1));
      const back = await pagesBack(3);
      expect(back).toEqual(events.toReversed());
    }
  });

  test('is read a little at a time, just written or from disk: who does not read on holds little', async () => {
    await Listener.open(open());
    await Promise.all(numbered('x'.repeat(4000), 80).map((text) => store.append(henry, letter(text))));
    const cursor = (await store.ends(henry)).oldest;

    for (const isJustWritten of [true, false]) {
      if (!isJustWritten) await reopen();
      const { events } = await store.read(henry, cursor);
      const chars = events.reduce((sum, { data }) => sum + data.length, 0);

      expect(chars).toBeGreaterThan(0);
      expect(chars).toBeLessThan(160 * 1024);
      expect(await readAll(store)).toHaveLength(80);
    }
  });

  test('names each segment by the id that it begins after', async () => {
    await Listener.open(open(SMALL));
    const events = await appendAll(store, numbered('message', 20));

    for (const name of segments()) {
      const id = name.slice(0, -'.log'.length);
      const following = events.find((event) => store.compare(event.id, id) > 0);
      if (following) expect(readFileSync(directory.in('.delivered', 'henry', name), 'utf8')).toContain(following.data);
    }
    expect(segments()[0]).toBe('0-0.log');
  });

  test('knows the keys of all of them, opened again or not', async () => {
    await Listener.open(open(SMALL));
    const messages = numbered('message', 20).map((text) => letter(text));
    const appended = [];
    for (const message of messages) appended.push(await store.append(henry, message));

    for (const openReader of [() => store, () => reopen(SMALL)]) {
      const reader = await openReader();
      for (const [i, message] of messages.entries()) {
        expect(await reader.append(henry, message)).toEqual({ event: appended[i]!.event, repeated: true });
      }
    }
    expect(await readAll(store)).toHaveLength(20);
  });

  test('is followed by a second store from segment to segment', async () => {
    const listener = await Listener.open(open(SMALL));
    const other = await Listener.open(directory.open({ now: clock.now, ...SMALL }));

    const events = await appendAll(store, numbered('message', 20));

    expect(await listener.take(20)).toEqual(events);
    expect(await other.take(20)).toEqual(events);
  });

  test('is written by two stores at once, in one order for both', async () => {
    const first = open(SMALL);
    const second = directory.open({ now: clock.now, ...SMALL });
    const listeners = [await Listener.open(first), await Listener.open(second)];

    await Promise.all([appendAll(first, numbered('first', 40)), appendAll(second, numbered('second', 40))]);

    const seen = await listeners[0]!.take(80);
    expect(await listeners[1]!.take(80)).toEqual(seen);
    expect(textsOf(seen).filter((text) => text.startsWith('first'))).toEqual(numbered('first', 40));
    expect(textsOf(seen).filter((text) => text.startsWith('second'))).toEqual(numbered('second', 40));
    expect(await readAll(await reopen(SMALL))).toEqual(seen);
  });

  test('knows how far a take was read, however many segments have come since', async () => {
    appendFileSync(directory.file(), 'data: one\n\n');
    const writer = openSync(directory.file(), 'a');
    await Listener.open(open(SMALL));
    await appendAll(store, numbered('message', 20));

    const reopened = await reopen(SMALL);
    writeSync(writer, 'data: two\n\n');
    closeSync(writer);

    expect(textsOf(await readAll(reopened))).toEqual(['one', ...numbered('message', 20), 'two']);
  });

  test('knows how far a take was read when a writer died before the first batch of a segment', async () => {
    appendFileSync(directory.file(), 'data: one\n\n');
    const writer = openSync(directory.file(), 'a');
    await Listener.open(open(SMALL));
    await appendAll(store, ['two']);
    const kept = new Map(segments().map((name) => [name, readFileSync(directory.in('.delivered/henry', name))]));
    await appendAll(store, numbered('message', 20));
    await store.close();
    const made = segments().slice(kept.size)[0];
    const next = made ?? segments().at(-1)!;
    for (const name of segments().slice(segments().indexOf(next) + 1)) rmSync(directory.in('.delivered/henry', name));
    truncateSync(directory.in('.delivered/henry', next), 0);

    open(SMALL);
    await Listener.open(store);
    await appendAll(store, ['three']);
    const before = textsOf(await readAll(store));
    const after = textsOf(await readAll(await reopen(SMALL)));
    closeSync(writer);

    expect(before.filter((text) => text === 'one')).toEqual(['one']);
    expect(after).toEqual(before);
  });
});

describe('what is kept', () => {
  const BY_AGE = { segmentBytes: 500, keepMs: 10 * MINUTE_MS };
  const BY_SIZE = { segmentBytes: 500, keepBytes: 1500 };

  /** Twenty messages, one a minute; the receiver listens. */
  async function fill(options: FileMailboxesOptions): Promise<MailEvent[]> {
    await Listener.open(open({ ...options, uptimeMs: uptime.now }));
    const events = [];
    for (const text of numbered('message', 20)) {
      clock.move(MINUTE_MS);
      events.push((await store.append(henry, letter(text))).event);
    }
    return events;
  }

  /** Of events a minute apart, when all have been received: those of ten minutes, and the rest of their segment. */
  async function expectTenMinutesKept(events: readonly MailEvent[]): Promise<void> {
    await store.mark(henry, 'delivered', events.at(-1)!.id);
    await dropped();

    const left = await readAll(store);
    expect(left).toEqual(events.slice(-left.length));
    expect(left.length).toBeGreaterThanOrEqual(10);
    expect(left.length).toBeLessThan(10 + 5);
  }

  test('goes by age, as far as the mark has come', async () => {
    const events = await fill(BY_AGE);

    await expectTenMinutesKept(events);
  });

  test('of foreign mail goes by age, too', async () => {
    const listener = await Listener.open(open({ ...BY_AGE, uptimeMs: uptime.now }));
    const events: MailEvent[] = [];
    for (const text of numbered(
      'as long as one of ours with all its fields, which are another hundred characters',
      20,
    )) {
      clock.move(MINUTE_MS);
      appendFileSync(directory.file(), `data: ${text}\n\n`);
      events.push(...(await listener.take(1)));
    }

    await expectTenMinutesKept(events);
  });

  test('goes by age although it would never fill a segment', async () => {
    const events = await fill({ keepMs: 10 * MINUTE_MS });

    await expectTenMinutesKept(events);
  });

  test('goes by age to the last message, when nothing comes any more; ids rise on, and no take is logged twice', async () => {
    const listener = await Listener.open(open({ keepMs: 10 * MINUTE_MS, uptimeMs: uptime.now }));
    appendFileSync(directory.file(), 'data: from a file\n\n');
    const [event] = await listener.take(1);
    await store.mark(henry, 'delivered', event!.id);
    clock.move(10 * MINUTE_MS + 1);

    uptime.move(MINUTE_MS + 1000);
    await eventually(() => segments().length === 1 && segments()[0] === `${event!.id}.log`);
    await reopen({ keepMs: 10 * MINUTE_MS });

    expect(await readAll(store)).toEqual([]);
    const { event: next } = await store.append(henry, letter('next'));
    expect(store.compare(next.id, event!.id)).toBeGreaterThan(0);
    expect(textsOf(await readAll(store))).toEqual(['next']);
  });

  test('of somebody who never comes back goes by age, too', async () => {
    await Listener.open(open({ keepMs: 10 * MINUTE_MS }));
    const [received] = await appendAll(store, ['received']);
    await store.mark(henry, 'delivered', received!.id);
    await store.close();
    const longAgo = new Date(clock.now() - 1);
    utimesSync(segment(-1), longAgo, longAgo);
    clock.move(10 * MINUTE_MS + 1);

    open({ keepMs: 10 * MINUTE_MS });
    await eventually(() => segments().length === 1 && segments()[0] !== '0-0.log');

    expect(await readAll(store)).toEqual([]);
  });

  test('goes by size, as far as the mark has come', async () => {
    const events = await fill(BY_SIZE);

    await store.mark(henry, 'delivered', events.at(-1)!.id);
    await dropped();

    const left = await readAll(store);
    expect(left).toEqual(events.slice(-left.length));
    expect(left.length).toBeGreaterThan(0);
    expect(segments().length).toBeLessThanOrEqual(BY_SIZE.keepBytes / BY_SIZE.segmentBytes);
  });

  test('is all that the mark has not passed, however old', async () => {
    const events = await fill(BY_AGE);
    clock.move(1000 * DAY_MS);

    await store.mark(henry, 'delivered', events[9]!.id);
    await dropped();

    expect((await readAll(store)).slice(-10)).toEqual(events.slice(10));
    expect(await store.read(henry)).toEqual({ events: events.slice(10), gap: false });
  });

  test('holds the keys of the last two minutes, however small', async () => {
    await Listener.open(open({ segmentBytes: 500, keepBytes: 500, keepMs: 1, uptimeMs: uptime.now }));
    await appendAll(store, numbered('old', 10));
    clock.move(DAY_MS);
    const messages = numbered('new', 10).map((text) => letter(text));
    const appended = [];
    for (const message of messages) appended.push(await store.append(henry, message));
    clock.move(2 * MINUTE_MS - 1);

    await store.mark(henry, 'delivered', appended.at(-1)!.event.id);
    await dropped();

    for (const openReader of [() => store, () => reopen()]) {
      const reader = await openReader();
      for (const [i, message] of messages.entries()) {
        expect(await reader.append(henry, message)).toEqual({ event: appended[i]!.event, repeated: true });
      }
    }
  });

  test('begins with a gap for a cursor from before, and has none from its beginning', async () => {
    const events = await fill(BY_AGE);
    await store.mark(henry, 'delivered', events.at(-1)!.id);
    await dropped();
    const { oldest, newest } = await store.ends(henry);

    expect(await store.read(henry, events[0]!.id)).toEqual({ events: [], gap: true });
    expect(await store.read(henry, '0-0')).toEqual({ events: [], gap: true });
    expect(await store.read(henry, newest)).toEqual({ events: [], gap: false });
    const { events: left, gap } = await store.read(henry, oldest);
    expect(gap).toBe(false);
    expect(left).toEqual(events.slice(-left.length));
  });

  test('is no more for a store that did not drop it: a cursor from before is a gap there, too', async () => {
    const events = await fill(BY_AGE);
    const other = directory.open({ now: clock.now, ...BY_AGE });
    expect((await other.read(henry, events[0]!.id)).gap).toBe(false);

    await store.mark(henry, 'delivered', events.at(-1)!.id);
    await dropped();

    expect(await other.read(henry, events[0]!.id)).toEqual({ events: [], gap: true });
    expect((await other.ends(henry)).oldest).toBe((await store.ends(henry)).oldest);
    expect(await readAll(other)).toEqual(await readAll(store));
  });

  test('is read back to its beginning', async () => {
    const events = await fill(BY_AGE);
    await store.mark(henry, 'delivered', events.at(-1)!.id);
    await dropped();

    const back = await pagesBack(4);

    expect(back).toEqual((await readAll(store)).toReversed());
  });
});

describe('a clock that goes back', () => {
  test.each([1, 60 * MINUTE_MS, 2 * DAY_MS, 1000 * DAY_MS])('by %i ms leaves ids, keys and order', async (ms) => {
    open();
    const first = await store.append(henry, letter('first'));
    await readAll(store);
    clock.move(-ms);
    const message = letter('second');

    const second = await store.append(henry, message);
    const again = await store.append(henry, message);
    const third = await store.append(henry, letter('third'));

    expect(again).toEqual({ event: second.event, repeated: true });
    expect(await readAll(store)).toEqual([first.event, second.event, third.event]);
    expect(await store.append(henry, message)).toEqual({ event: second.event, repeated: true });
  });

  test('while mail waits leaves ids, keys and order', async () => {
    open();
    const message = letter('first');
    const first = await store.append(henry, message);
    clock.move(-2 * DAY_MS);

    const again = await store.append(henry, message);
    const second = await store.append(henry, letter('second'));

    expect(again).toEqual({ event: first.event, repeated: true });
    expect(await readAll(store)).toEqual([first.event, second.event]);
  });
});

describe('a log that a crash left torn', () => {
  test('at any byte loses nothing that was accepted before, and nothing that is accepted after', async () => {
    await Listener.open(open({ watch: false }));
    const before = await store.append(henry, letter('before'));
    const size = statSync(segment(-1)).size;
    const torn = letter('torn 안녕');
    await store.append(henry, torn);
    const mailboxes = cuts(readFileSync(segment(-1)), size);
    for (const { name, bytes } of mailboxes) writeLog(name, bytes);

    const expected = new Map<MailboxName, MailEvent[]>();
    await Promise.all(
      mailboxes.map(async ({ name }) => {
        const listener = await Listener.open(store, name);
        expect(textsOf(await readAll(store, name))).toEqual(['before']);
        const after = await store.append(name, letter('after'));
        const again = await store.append(name, torn);
        expect(again.repeated).toBe(false);
        expected.set(name, [before.event, after.event, again.event]);
        listener.stop();
      }),
    );

    await reopen({ watch: false });
    for (const [name, events] of expected) expect([name, await readAll(store, name)]).toEqual([name, events]);
  });

  test('at any byte of the end of a segment goes on all the same', async () => {
    const options = { segmentBytes: 200, watch: false };
    await Listener.open(open(options));
    const first = await store.append(henry, letter('first'));
    const size = statSync(segment(0)).size;
    await store.append(henry, letter('second'));
    const mailboxes = cuts(readFileSync(segment(0)), size);
    for (const { name, bytes } of mailboxes) writeLog(name, bytes);

    const expected = new Map<MailboxName, MailEvent[]>();
    await Promise.all(
      mailboxes.map(async ({ name }) => {
        const listener = await Listener.open(store, name);
        const appended = [];
        for (const text of numbered('after', 3)) appended.push((await store.append(name, letter(text))).event);
        expected.set(name, [first.event, ...appended]);
        listener.stop();
      }),
    );

    await reopen(options);
    for (const [name, events] of expected) expect([name, await readAll(store, name)]).toEqual([name, events]);
  });

  test('in the beginning of a segment goes on with it', async () => {
    const options = { segmentBytes: 200 };
    await Listener.open(open(options));
    const first = await store.append(henry, letter('first'));
    const torn = letter('torn');
    await store.append(henry, torn);
    await store.close();
    truncateSync(segment(1), 30);

    open(options);
    const again = await store.append(henry, torn);
    const after = await store.append(henry, letter('after'));

    expect(again.repeated).toBe(false);
    expect(await readAll(store)).toEqual([first.event, again.event, after.event]);
    expect(await readAll(await reopen(options))).toEqual([first.event, again.event, after.event]);
  });

  test('full of garbage shows none of it', async () => {
    await Listener.open(open());
    const before = await store.append(henry, letter('before'));
    for (const garbage of [
      '\n: 0 0 00000000 0 0-0\n',
      '\n\nid: 1-0\ndata: forged\n\n',
      '\0\0\0\n: ',
      'x'.repeat(200_000),
    ]) {
      appendFileSync(segment(-1), garbage);
      await store.append(henry, letter('between'));
    }

    const texts = textsOf(await readAll(store));

    expect(texts).toEqual(['before', ...Array<string>(4).fill('between')]);
    expect(textsOf(await readAll(await reopen()))).toEqual(texts);
    expect((await readAll(store))[0]).toEqual(before.event);
  });

  test('removed under a listener begins anew, and what is accepted then is kept', async () => {
    const listener = await Listener.open(open());
    await store.append(henry, letter('removed'));
    await listener.next();
    rmSync(directory.in('.delivered', 'henry'), { recursive: true });

    const { event } = await store.append(henry, letter('after'));

    expect(await readAll(await reopen())).toEqual([event]);
  });
});

function writeLog(mailbox: MailboxName, bytes: Buffer): void {
  mkdirSync(directory.in('.delivered', mailbox));
  writeFileSync(directory.in('.delivered', mailbox, '0-0.log'), bytes);
}

/** A mailbox for each way to cut a log, all in the same directory. */
function cuts(log: Buffer, from: number): { name: MailboxName; bytes: Buffer }[] {
  return Array.from({ length: log.length - from }, (_, i) => ({
    name: mailboxName(`cut-${from + i}`),
    bytes: log.subarray(0, from + i),
  }));
}
