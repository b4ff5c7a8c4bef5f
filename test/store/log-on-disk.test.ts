import { appendFileSync, existsSync, readdirSync, rmSync, truncateSync, utimesSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import type { FileMailboxesOptions } from '../../src/files/store-context.ts';
import type { MailEvent } from '../../src/words/mailbox-store.ts';
import { Clock, MailboxDirectory } from '../support/store-files.ts';
import { Listener, appendAll, henry, letter, numbered, readAll, textsOf } from '../support/store-mail.ts';
import { until } from '../support/until.ts';

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

function namesIn(place: string): string[] {
  const dir = directory.in(place, 'henry');
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** The paths of the pieces, in order. A file that was only just renamed away has no name yet, and is left out. */
function pieces(): string[] {
  const paths = ['.taken', '.delivered'].flatMap((place) =>
    namesIn(place)
      .filter((name) => name.includes('_'))
      .map((name) => directory.in(place, 'henry', name)),
  );
  const startOf = (path: string): string => path.split('/').at(-1)!.split('_')[0]!;
  return paths.toSorted((a, b) => store.compare(startOf(a), startOf(b)));
}

/** Resolves when all that was read is in named pieces of the log. */
async function settled(): Promise<void> {
  await directory.emptied();
  await until('the end of the take', () => !namesIn('.taken').some((name) => name.startsWith('new')));
}

/** Resolves when some pieces are gone: old ones first move on, and are dropped once a minute. */
async function dropped(): Promise<void> {
  const before = pieces().length;
  await until('fewer pieces', () => {
    uptime.move(10_000);
    return pieces().length < before;
  });
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

/** Messages, one a minute, each in its own piece. */
async function inPieces(texts: readonly string[], options: FileMailboxesOptions = {}): Promise<MailEvent[]> {
  const listener = await Listener.open(open({ uptimeMs: uptime.now, pieceBytes: 1, ...options }));
  const events = [];
  for (const text of texts) {
    clock.move(MINUTE_MS);
    events.push((await store.append(henry, letter(text))).event);
    await listener.next();
    await settled();
  }
  return events;
}

describe('a log in pieces', () => {
  test('is read as one from any cursor, forwards and backwards', async () => {
    const events = await inPieces(numbered('message', 12));
    expect(pieces()).toHaveLength(12);

    for (const openReader of [() => store, () => reopen()]) {
      const reader = await openReader();
      for (const [i, { id }] of events.entries()) expect(await readAll(reader, henry, id)).toEqual(events.slice(i + 1));
      expect(await pagesBack(3)).toEqual(events.toReversed());
    }
  });

  test('is read backwards past megabytes in which there is no event', async () => {
    const event = (await open().append(henry, letter('before the rubbish'))).event;
    appendFileSync(directory.file(), `: ${'x'.repeat(1000)}\n\n`.repeat(3000));

    expect(await pagesBack(50)).toEqual([event]);
  });

  test('leaves out, when it is read backwards, stretches whose bytes the reader does not want', async () => {
    const texts = numbered('x'.repeat(3000), 300).map((text, i) => (i === 150 ? `wanted ${text}` : text));
    open();
    await Promise.all(texts.map((text) => store.append(henry, letter(text))));
    const before = (await store.ends(henry)).newest;

    const { events, more } = await store.readBack(henry, before, 500, (bytes) => bytes.includes('wanted'));

    expect(textsOf(events).filter((text) => text.startsWith('wanted'))).toEqual([texts[150]]);
    expect(events.length).toBeLessThan(200);
    expect(more).toBeUndefined();
  });

  test('is read a little at a time, from memory or disk, so that a paused reader holds little', async () => {
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

  test('has pieces that are named by their first and last ids', async () => {
    const events = await inPieces(numbered('message', 5));

    const starts = ['0-0', ...events.map(({ id }) => id)];
    const names = events.map(({ id }, i) => `${starts[i]!}_${id}.txt`);
    expect(pieces().map((path) => path.split('/').at(-1))).toEqual(names);
  });

  test('knows the keys of all its messages, reopened or not', async () => {
    const listener = await Listener.open(open());
    const messages = numbered('message', 8).map((text) => letter(text));
    const appended = [];
    for (const message of messages) {
      appended.push(await store.append(henry, message));
      await listener.next();
      await settled();
    }

    for (const openReader of [() => store, () => reopen()]) {
      const reader = await openReader();
      for (const [i, message] of messages.entries()) {
        expect(await reader.append(henry, message)).toEqual({ event: appended[i]!.event, repeated: true });
      }
    }
    expect(await readAll(store)).toHaveLength(8);
  });

  test('is cut when a mailbox grows large, even while mail keeps coming', async () => {
    const listener = await Listener.open(open({ pieceBytes: 10_000 }));

    const events = await appendAll(store, numbered('x'.repeat(500), 100));

    expect(await listener.take(100)).toEqual(events);
    await expect(until('more pieces', () => pieces().length > 1)).resolves.toBe(true);
  });
});

describe('what is kept', () => {
  const BY_AGE = { keepMs: 10 * MINUTE_MS };
  const BY_SIZE = { keepBytes: 1500 };

  const fill = (options: FileMailboxesOptions): Promise<MailEvent[]> => inPieces(numbered('message', 20), options);

  /** The events that are kept if they came a minute apart and all were received: those of ten minutes. */
  async function expectTenMinutesKept(events: readonly MailEvent[]): Promise<void> {
    await store.mark(henry, 'delivered', events.at(-1)!.id);
    await dropped();

    const left = await readAll(store);
    expect(left).toEqual(events.slice(-left.length));
    expect(left.length).toBeGreaterThanOrEqual(10);
    expect(left.length).toBeLessThan(10 + 5);
  }

  test('is dropped by age, up to the mark', async () => {
    const events = await fill(BY_AGE);

    await expectTenMinutesKept(events);
  });

  test('is dropped by age, also if it is foreign mail', async () => {
    const listener = await Listener.open(open({ ...BY_AGE, pieceBytes: 1, uptimeMs: uptime.now }));
    const events: MailEvent[] = [];
    for (const text of numbered('theirs', 20)) {
      clock.move(MINUTE_MS);
      await store.append(henry, letter(`before ${text}`));
      appendFileSync(directory.file(), `data: ${text}\n\n`);
      events.push(...(await listener.take(2)));
      await settled();
    }
    await store.mark(henry, 'delivered', events.at(-1)!.id);

    await dropped();

    const left = textsOf(await readAll(store));
    expect(left).toEqual(textsOf(events).slice(-left.length));
    expect(left.length).toBeGreaterThanOrEqual(20);
    expect(left.length).toBeLessThan(20 + 10);
  });

  test('is dropped by age, up to the last message; ids still rise, and nothing comes twice', async () => {
    const listener = await Listener.open(open({ keepMs: 10 * MINUTE_MS, uptimeMs: uptime.now }));
    appendFileSync(directory.file(), 'data: from a file\n\n');
    await store.append(henry, letter('ours'));
    const event = (await listener.take(2)).at(-1)!;
    await settled();
    await store.mark(henry, 'delivered', event.id);
    clock.move(10 * MINUTE_MS + 1);

    await until('one piece', () => {
      uptime.move(10_000);
      return pieces().length === 1 && !pieces()[0]!.includes('/0-0_');
    });
    await reopen({ keepMs: 10 * MINUTE_MS });

    expect(await readAll(store)).toEqual([]);
    const { event: next } = await store.append(henry, letter('next'));
    expect(store.compare(next.id, event.id)).toBeGreaterThan(0);
    expect(textsOf(await readAll(store))).toEqual(['next']);
  });

  test('is dropped by age even if its receiver never comes back', async () => {
    const listener = await Listener.open(open({ keepMs: 10 * MINUTE_MS, uptimeMs: uptime.now }));
    const [received] = await appendAll(store, ['received']);
    await listener.next();
    await settled();
    await store.mark(henry, 'delivered', received!.id);
    await until('no pieces', () => {
      uptime.move(3000);
      return namesIn('.taken').length === 0;
    });
    await store.close();
    const longAgo = new Date(clock.now() - 1);
    utimesSync(pieces().at(-1)!, longAgo, longAgo);
    clock.move(10 * MINUTE_MS + 1);

    open({ keepMs: 10 * MINUTE_MS });
    await until('one piece', () => pieces().length === 1 && !pieces()[0]!.includes('/0-0_'));

    expect(await readAll(store)).toEqual([]);
  });

  test('is dropped by size, up to the mark', async () => {
    const events = await fill(BY_SIZE);

    await store.mark(henry, 'delivered', events.at(-1)!.id);
    await dropped();

    const left = await readAll(store);
    expect(left).toEqual(events.slice(-left.length));
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(10);
  });

  test('includes all that the mark has not passed, however old', async () => {
    const events = await fill(BY_AGE);
    clock.move(1000 * DAY_MS);

    await store.mark(henry, 'delivered', events[9]!.id);
    await dropped();

    expect((await readAll(store)).slice(-10)).toEqual(events.slice(10));
    expect(await store.read(henry)).toEqual({ events: events.slice(10), gap: false });
  });

  test('is not dropped because the clock jumped ahead', async () => {
    const events = await fill({ keepMs: 30 * DAY_MS });
    await store.mark(henry, 'delivered', events.at(-1)!.id);

    clock.move(70 * 365 * DAY_MS);
    const later = await inLater('while the clock was ahead');
    for (let minute = 0; minute < 5; minute += 1) uptime.move(MINUTE_MS);
    clock.move(-70 * 365 * DAY_MS);
    await reopen({ keepMs: 30 * DAY_MS });

    expect(await readAll(store)).toEqual([...events, ...later]);
  });

  async function inLater(text: string): Promise<MailEvent[]> {
    const { event } = await store.append(henry, letter(text));
    await store.mark(henry, 'delivered', event.id);
    await new Promise((resolve) => setImmediate(resolve));
    return [event];
  }

  test('includes the keys of the last two minutes, however small the limit', async () => {
    const listener = await Listener.open(open({ keepBytes: 500, keepMs: 1, uptimeMs: uptime.now }));
    await appendAll(store, numbered('old', 10));
    await listener.take(10);
    await settled();
    clock.move(DAY_MS);
    const messages = numbered('new', 10).map((text) => letter(text));
    const appended = [];
    for (const message of messages) appended.push(await store.append(henry, message));
    await listener.take(10);
    await settled();
    clock.move(MINUTE_MS - 1);

    await store.mark(henry, 'delivered', appended.at(-1)!.event.id);
    await dropped();

    for (const openReader of [() => store, () => reopen()]) {
      const reader = await openReader();
      for (const [i, message] of messages.entries()) {
        expect(await reader.append(henry, message)).toEqual({ event: appended[i]!.event, repeated: true });
      }
    }
  });

  test('has a gap for an earlier cursor, and none from its own beginning', async () => {
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

  test('is read back to its beginning', async () => {
    const events = await fill(BY_AGE);
    await store.mark(henry, 'delivered', events.at(-1)!.id);
    await dropped();

    expect(await pagesBack(4)).toEqual((await readAll(store)).toReversed());
  });
});

describe('a clock that goes back', () => {
  test.each([1, 60 * MINUTE_MS, 2 * DAY_MS, 1000 * DAY_MS])(
    'by %i ms does not disturb ids, keys and order',
    async (ms) => {
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
    },
  );

  test('while mail waits does not disturb ids, keys and order', async () => {
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

describe('a piece that was damaged', () => {
  test('at its end loses only what was there, and later mail comes after it', async () => {
    const [first] = await inPieces(numbered('message', 3));
    await store.close();
    const [piece] = pieces();
    truncateSync(piece!, 30);

    open();
    const { event } = await store.append(henry, letter('after'));

    const events = await readAll(store);
    expect(textsOf(events)).toEqual(['message 1', 'message 2', 'after']);
    expect(events.at(-1)).toEqual(event);
    expect(await readAll(store, henry, first!.id)).toEqual(events);
  });

  test('by text after its end shows that text once, after all earlier mail', async () => {
    await inPieces(numbered('message', 2));
    appendFileSync(pieces()[0]!, '\0\0\0\n: \n\ndata: late\n\n\n\nid: 1-0\ndata: no id of ours\n\n');

    await until('the names', () => {
      uptime.move(1000);
      const names = [...namesIn('.taken'), ...namesIn('.delivered')];
      return names.filter((name) => /^\d/.test(name)).length === 3; // the mailbox holds late mail for a moment only
    });

    const texts = textsOf(await (await Listener.open(store, henry, '0-0')).take(4));
    expect(texts).toEqual(['message 0', 'message 1', 'late', 'no id of ours']);
    expect(textsOf(await readAll(await reopen()))).toEqual(texts);
  });

  test('by being removed under a listener begins again, and keeps later mail', async () => {
    const listener = await Listener.open(open());
    await store.append(henry, letter('removed'));
    await listener.next();
    await settled();
    rmSync(directory.in('.taken', 'henry'), { recursive: true });

    const { event } = await store.append(henry, letter('after'));

    expect(await readAll(await reopen())).toEqual([event]);
  });
});
