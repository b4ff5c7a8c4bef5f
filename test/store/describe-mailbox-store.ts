import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { mailboxName, type MailboxName } from '../../src/mailbox-name.ts';
import type { MailboxStore } from '../../src/mailbox-store.ts';
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

/** A store on data of its own. */
export interface OpenStore {
  readonly store: MailboxStore;
  /** Closes the store and opens another one on the same data. */
  reopen(): Promise<MailboxStore>;
  /** One more store on the same data, as another process has it. */
  another(): Promise<MailboxStore>;
  /** Closes every store and removes the data. */
  remove(): Promise<void>;
}

/** Texts that have broken one format or another. */
const AWKWARD_TEXTS = [
  '',
  ' ',
  'a\nb',
  'a\rb',
  'a\r\nb',
  '\n\n',
  '\r\r',
  '\n\nid: 1-0\ndata: forged\n\n',
  '\ndata: forged\n\n',
  ': comment',
  'nul\u0000nul',
  'line\u2028separator\u2029paragraph',
  'next\u0085line, bom \ufeff, escape \u001b[31m',
  '안녕하세요',
  '각 is not 각', // NFD and NFC stay as they are
  '👩‍👩‍👧‍👦 🇰🇷 e\u0301',
  'lone \ud83d surrogate \ude00 backwards',
  '\\n \\u0000 \\ "quoted" </script>',
  'x'.repeat(4000),
  '한'.repeat(4000),
];

/** The contract that every store keeps, whatever it keeps its mail in. */
export function describeMailboxStore(name: string, open: () => Promise<OpenStore>): void {
  describe(name, () => {
    let place: OpenStore;
    let store: MailboxStore;

    beforeEach(async () => {
      place = await open();
      store = place.store;
    });

    afterEach(() => place.remove());

    describe('appending', () => {
      test('answers with the event it made', async () => {
        const message = letter('hi');
        const before = Date.now();

        const { event, repeated } = await store.append(henry, message);

        expect(repeated).toBe(false);
        expect(JSON.parse(event.data)).toEqual({ ...message, time: new Date(event.time).toISOString() });
        expect(event.time).toBeGreaterThanOrEqual(before);
        expect(event.time).toBeLessThanOrEqual(Date.now());
        expect(store.isId(event.id)).toBe(true);
      });

      test('gives rising ids, across a reopening too', async () => {
        const before = await appendAll(store, numbered('before', 10));
        const reopened = await place.reopen();
        const after = await appendAll(reopened, numbered('after', 10));

        const ids = [...before, ...after].map(({ id }) => id);

        expect(ids.toSorted((a, b) => reopened.compare(a, b))).toEqual(ids);
        expect(new Set(ids).size).toBe(ids.length);
      });

      test('puts a message after every message that was answered before it was sent', async () => {
        const other = await place.another();

        for (let i = 0; i < 10; i += 1) {
          await store.append(henry, letter(`${i} here`));
          await other.append(henry, letter(`${i} there`));
        }

        const expected = Array.from({ length: 10 }, (_, i) => [`${i} here`, `${i} there`]).flat();
        expect(textsOf(await readAll(store))).toEqual(expected);
        expect(textsOf(await readAll(other))).toEqual(expected);
      });

      test.each(['nobody', 'somebody'])('keeps each sender’s order among 100 at once while %s listens', async (who) => {
        if (who === 'somebody') await Listener.open(store);
        const senders = [jjeong, mina, mailboxName('yuna'), mailboxName('bob')];
        const letters = senders.flatMap((sender) => numbered(sender, 25).map((text) => letter(text, { sender })));
        const interleaved = letters.toSorted(
          (a, b) => Number(a.message.split(' ')[1]) - Number(b.message.split(' ')[1]),
        );

        const appended = await Promise.all(interleaved.map((message) => store.append(henry, message)));

        const events = await readAll(store);
        expect(new Set(appended.map(({ event }) => event.id)).size).toBe(100);
        expect(events.map(({ id }) => id).toSorted()).toEqual(appended.map(({ event }) => event.id).toSorted());
        for (const sender of senders) {
          expect(textsOf(events).filter((text) => text.startsWith(sender))).toEqual(numbered(sender, 25));
        }
      });

      test('keeps what two stores append at once in one order for both', async () => {
        const other = await place.another();

        await Promise.all([
          appendAll(store, numbered('here', 50)),
          appendAll(other, numbered('there', 50)),
          Listener.open(store),
          Listener.open(other),
        ]);

        const events = await readAll(store);
        expect(await readAll(other)).toEqual(events);
        expect(textsOf(events).filter((text) => text.startsWith('here'))).toEqual(numbered('here', 50));
        expect(textsOf(events).filter((text) => text.startsWith('there'))).toEqual(numbered('there', 50));
        expect(events).toHaveLength(100);
      });

      test('keeps mailboxes apart', async () => {
        await store.append(henry, letter('for henry'));
        await store.append(mina, letter('for mina', { receiver: mina }));

        expect(textsOf(await readAll(store, henry))).toEqual(['for henry']);
        expect(textsOf(await readAll(store, mina))).toEqual(['for mina']);
        expect(await readAll(store, jjeong)).toEqual([]);
      });

      test.each(['__proto__', 'constructor', 'room.lobby', 'délphine', '김영희', '-', '1'])(
        'serves a mailbox called %s like any other',
        async (text) => {
          const mailbox = mailboxName(text);
          const { event } = await store.append(mailbox, letter('hi', { sender: mailbox, receiver: mailbox }));
          await store.mark(mailbox, 'delivered', event.id);
          await store.mark(mailbox, `read:${mailbox}`, event.id);

          const reopened = await place.reopen();

          expect(await readAll(reopened, mailbox)).toEqual([event]);
          expect(await reopened.marks(mailbox)).toEqual({ delivered: event.id, [`read:${mailbox}`]: event.id });
        },
      );
    });

    describe('texts', () => {
      test.each(AWKWARD_TEXTS.map((text) => [JSON.stringify(text).slice(0, 60), text]))(
        '%s arrives as it was sent, whether it waits or goes straight to a listener',
        async (_, text) => {
          const waited = await store.append(henry, letter(text));
          const listener = await Listener.open(store, henry, (await store.ends(henry)).oldest);
          const [first] = await listener.take(1);
          const live = await store.append(henry, letter(text));
          const second = await listener.next();

          expect([first, second]).toEqual([waited.event, live.event]);
          expect(textsOf([first!, second])).toEqual([text, text]);
          expect(await readAll(await place.reopen())).toEqual([first, second]);
        },
      );

      test('any text at all arrives as it was sent', async () => {
        const any = fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string({ unit: fc.constantFrom('\r', '\n', ':', ' ', 'data', 'id', '0', '\u2028', '{', '"', '\ud800') }),
          fc.array(fc.integer({ min: 0, max: 0xffff })).map((units) => String.fromCharCode(...units)),
        );
        await fc.assert(
          fc.asyncProperty(fc.array(any, { minLength: 1, maxLength: 8 }), fc.boolean(), async (texts, isListening) => {
            const { newest } = await store.ends(henry);
            const listener = isListening ? await Listener.open(store) : undefined;

            await Promise.all(texts.map((text) => store.append(henry, letter(text))));

            expect(textsOf(await readAll(store, henry, newest))).toEqual(texts);
            listener?.stop();
          }),
          { numRuns: 100 },
        );
      });
    });

    describe('reading', () => {
      test('goes on from a cursor, oldest first', async () => {
        const events = await appendAll(store, numbered('message', 5));

        expect(await readAll(store, henry, events[1]!.id)).toEqual(events.slice(2));
        expect(await store.read(henry, events[4]!.id)).toEqual({ events: [], gap: false });
      });

      test('reads the same again: reading takes nothing away', async () => {
        const events = await appendAll(store, numbered('message', 5));

        expect(await readAll(store)).toEqual(events);
        expect(await readAll(store)).toEqual(events);
        expect(await readAll(await place.reopen())).toEqual(events);
      });

      test('gives no more than the limit, and the rest when asked again', async () => {
        const events = await appendAll(store, numbered('message', 7));
        const { oldest } = await store.ends(henry);

        const first = await store.read(henry, oldest, 3);
        const second = await store.read(henry, first.events.at(-1)!.id, 3);
        const third = await store.read(henry, second.events.at(-1)!.id, 3);

        expect([first, second, third].map((batch) => batch.events.length)).toEqual([3, 3, 1]);
        expect([first, second, third].flatMap((batch) => batch.events)).toEqual(events);
      });

      test('reads a long backlog to its end from any cursor', async () => {
        const texts = numbered('x'.repeat(500), 600);
        await Promise.all(texts.map((text) => store.append(henry, letter(text))));

        const events = await readAll(store);

        expect(textsOf(events)).toEqual(texts);
        for (const from of [0, 1, 299, 597]) {
          expect(await readAll(store, henry, events[from]!.id)).toEqual(events.slice(from + 1));
        }
      });

      test('begins after the mark when no cursor is given, and at the oldest without a mark', async () => {
        const events = await appendAll(store, numbered('message', 4));

        const unmarked = await store.read(henry);
        await store.mark(henry, 'delivered', events[2]!.id);

        expect(unmarked.events).toEqual(events);
        expect(await store.read(henry)).toEqual({ events: [events[3]], gap: false });
      });

      test('finds nothing in a mailbox that never had an event', async () => {
        expect(await store.ends(henry)).toEqual({ oldest: '0-0', newest: '0-0' });
        expect(await store.read(henry)).toEqual({ events: [], gap: false });
        expect(await store.readBack(henry)).toEqual({ events: [] });
        expect(await store.marks(henry)).toEqual({});
      });

      test('the ends of a mailbox are the cursor that reads all, and the one that reads nothing', async () => {
        const empty = await store.ends(henry);
        const events = await appendAll(store, numbered('message', 3));
        await readAll(store);

        const { oldest, newest } = await store.ends(henry);

        expect(newest).toBe(events[2]!.id);
        expect(await readAll(store, henry, oldest)).toEqual(events);
        expect(await readAll(store, henry, empty.newest)).toEqual(events);
        expect(await readAll(store, henry, newest)).toEqual([]);
      });

      test('what is given out once is given out for ever, by every store', async () => {
        const other = await place.another();
        await appendAll(store, numbered('message', 5));
        const seen = await readAll(other);

        expect(await readAll(store)).toEqual(seen);
        expect(await readAll(await place.reopen())).toEqual(seen);
      });

      test('tells its ids from other texts', async () => {
        const { event } = await store.append(henry, letter('hi'));
        const others = ['', ' ', 'nonsense', `${event.id}\n`, ` ${event.id}`, '../henry', '안녕', 'null', '-'];

        expect(store.isId(event.id)).toBe(true);
        expect(others.filter((text) => store.isId(text))).toEqual([]);
      });

      test('compares ids as they were given', async () => {
        const [first, second] = await appendAll(store, ['first', 'second']);

        expect(store.compare(first!.id, second!.id)).toBeLessThan(0);
        expect(store.compare(second!.id, first!.id)).toBeGreaterThan(0);
        expect(store.compare(first!.id, first!.id)).toBe(0);
        expect(store.compare('0-0', first!.id)).toBeLessThan(0);
      });
    });

    describe('reading back', () => {
      test('begins with the newest', async () => {
        const events = await appendAll(store, numbered('message', 3));

        expect(await store.readBack(henry)).toEqual({ events: events.toReversed() });
      });

      test('gives what came before an event, without it', async () => {
        const events = await appendAll(store, numbered('message', 5));

        expect(await store.readBack(henry, events[2]!.id)).toEqual({ events: [events[1], events[0]] });
        expect((await store.readBack(henry, events[0]!.id)).events).toEqual([]);
      });

      test.each([1, 2, 3, 7, 50])('pages of %i have no hole and nothing twice', async (limit) => {
        const delivered = await appendAll(store, numbered('delivered', 6));
        await readAll(store);
        const waiting = await appendAll(store, numbered('waiting', 6));

        expect(await pagesBack(store, henry, limit)).toEqual([...delivered, ...waiting].toReversed());
      });

      test('goes through megabytes of mail, waiting or received', async () => {
        const events = await appendAll(store, numbered('한'.repeat(3990), 300));
        const ids = events.map(({ id }) => id).toReversed();

        const whileWaiting = await pagesBack(store, henry, 50);
        await readAll(store);
        const received = await pagesBack(store, henry, 50);

        expect(whileWaiting.map(({ id }) => id)).toEqual(ids);
        expect(received.map(({ id }) => id)).toEqual(ids);
      });

      test('moves nothing: the mail still waits', async () => {
        const events = await appendAll(store, numbered('message', 3));

        await store.readBack(henry);

        expect((await store.read(henry)).events).toEqual(events);
      });
    });

    describe('keys', () => {
      test.each(['nobody', 'somebody'])('a message sent twice arrives once while %s listens', async (who) => {
        if (who === 'somebody') await Listener.open(store);
        const message = letter('once');

        const first = await store.append(henry, message);
        await store.append(henry, letter('between'));
        const again = await store.append(henry, message);

        expect(again).toEqual({ event: first.event, repeated: true });
        expect(textsOf(await readAll(store))).toEqual(['once', 'between']);
      });

      test('a message sent again after it was read is known', async () => {
        const message = letter('once');
        const first = await store.append(henry, message);
        await readAll(store);

        const again = await store.append(henry, message);

        expect(again).toEqual({ event: first.event, repeated: true });
        expect(await readAll(store)).toEqual([first.event]);
      });

      test.each(['waits', 'was read'])('a message that %s is known to a store that is opened later', async (what) => {
        const message = letter('once');
        const first = await store.append(henry, message);
        if (what === 'was read') await readAll(store);

        const reopened = await place.reopen();
        const again = await reopened.append(henry, message);

        expect(again).toEqual({ event: first.event, repeated: true });
        expect(await readAll(reopened)).toEqual([first.event]);
      });

      test('a message sent again by way of another store is known', async () => {
        const other = await place.another();
        const waiting = letter('waiting');
        const read = letter('read');
        const first = [await store.append(henry, read)];
        await readAll(store);
        first.push(await store.append(henry, waiting));

        const again = [await other.append(henry, read), await other.append(henry, waiting)];

        expect(again.map(({ event }) => event)).toEqual(first.map(({ event }) => event));
        expect(again.map(({ repeated }) => repeated)).toEqual([true, true]);
        expect(textsOf(await readAll(other))).toEqual(['read', 'waiting']);
      });

      test('a message sent ten times at once, by way of two stores, arrives once', async () => {
        const stores = [store, await place.another()];
        const message = letter('once');

        const appended = await Promise.all(Array.from({ length: 10 }, (_, i) => stores[i % 2]!.append(henry, message)));

        const events = await readAll(store);
        expect(textsOf(events)).toEqual(['once']);
        expect(appended.filter(({ repeated }) => !repeated)).toHaveLength(1);
        expect(new Set(appended.map(({ event }) => event.id))).toEqual(new Set([events[0]!.id]));
      });

      test('a key with another text is refused, and nothing is written', async () => {
        const message = letter('first');
        await store.append(henry, message);
        const other = { ...message, message: 'second' };

        await expect(store.append(henry, other)).rejects.toMatchObject({ code: 'KEY_REUSED' });
        await readAll(store);
        await expect(store.append(henry, other)).rejects.toMatchObject({ code: 'KEY_REUSED' });
        const reopened = await place.reopen();
        await expect(reopened.append(henry, other)).rejects.toMatchObject({ code: 'KEY_REUSED' });

        expect(textsOf(await readAll(reopened))).toEqual(['first']);
      });

      test('a key with another text is refused among messages sent at once', async () => {
        const message = letter('first');
        const texts = ['first', 'second', 'first'];

        const results = await Promise.allSettled(
          texts.map((text) => store.append(henry, { ...message, message: text })),
        );

        expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
        expect(results[1]).toMatchObject({ reason: { code: 'KEY_REUSED' } });
        expect(textsOf(await readAll(store))).toEqual(['first']);
      });

      test('another sender’s same key suppresses nothing', async () => {
        const message = letter('from jjeong');

        await store.append(henry, message);
        const other = await store.append(henry, { ...message, sender: mina, message: 'from mina' });

        expect(other.repeated).toBe(false);
        expect(textsOf(await readAll(store))).toEqual(['from jjeong', 'from mina']);
      });

      test('the same key in another mailbox suppresses nothing', async () => {
        const message = letter('hi');

        await store.append(henry, message);
        const other = await store.append(mina, { ...message, receiver: mina });

        expect(other.repeated).toBe(false);
        expect(textsOf(await readAll(store, mina))).toEqual(['hi']);
      });
    });

    describe('marks', () => {
      test('move forward, never back', async () => {
        const [first, second] = await appendAll(store, ['first', 'second']);

        await store.mark(henry, 'delivered', second!.id);
        await store.mark(henry, 'delivered', first!.id);

        expect(await store.marks(henry)).toEqual({ delivered: second!.id });
      });

      test('of each reader stand by themselves', async () => {
        const [first, second, third] = await appendAll(store, ['first', 'second', 'third']);

        await store.mark(henry, 'delivered', third!.id);
        await store.mark(henry, 'read:jjeong', first!.id);
        await store.mark(henry, 'read:mina', second!.id);

        expect(await store.marks(henry)).toEqual({
          delivered: third!.id,
          'read:jjeong': first!.id,
          'read:mina': second!.id,
        });
        expect(await store.marks(mina)).toEqual({});
      });

      test('of what has been read leave the rest to be delivered', async () => {
        const events = await appendAll(store, ['first', 'second']);

        await store.mark(henry, 'read:jjeong', events[1]!.id);

        expect((await store.read(henry)).events).toEqual(events);
      });

      test('outlive the store', async () => {
        const [first, second] = await appendAll(store, ['first', 'second']);
        await store.mark(henry, 'delivered', second!.id);
        await store.mark(henry, 'read:jjeong', first!.id);

        const reopened = await place.reopen();

        expect(await reopened.marks(henry)).toEqual({ delivered: second!.id, 'read:jjeong': first!.id });
        expect((await reopened.read(henry)).events).toEqual([]);
      });

      test('that two stores move end at the later one', async () => {
        const other = await place.another();
        const [first, second] = await appendAll(store, ['first', 'second']);

        await other.mark(henry, 'delivered', second!.id);
        await store.mark(henry, 'delivered', first!.id);
        await store.close();
        await other.close();

        expect(await (await place.another()).marks(henry)).toEqual({ delivered: second!.id });
      });

      test('that two stores move at once all stay', async () => {
        const other = await place.another();
        const { event } = await store.append(henry, letter('hi'));
        const names = (whose: string) => Array.from({ length: 5 }, (_, i) => `read:${whose}-${i}` as const);

        await Promise.all([
          ...names('here').map((name) => store.mark(henry, name, event.id)),
          ...names('there').map((name) => other.mark(henry, name, event.id)),
        ]);
        await Promise.all([store.close(), other.close()]);

        const marks = await (await place.another()).marks(henry);
        expect(Object.keys(marks).toSorted()).toEqual([...names('here'), ...names('there')].toSorted());
      });
    });

    describe('watching', () => {
      test('rings when mail comes', async () => {
        const listener = await Listener.open(store);

        const { event } = await store.append(henry, letter('hi'));

        expect(await listener.next()).toEqual(event);
      });

      test('rings when a mark moves', async () => {
        const { event } = await store.append(henry, letter('hi'));
        const listener = await Listener.open(store);
        await listener.next();

        const rung = listener.ring();
        await store.mark(henry, 'delivered', event.id);

        await expect(rung).resolves.toBeUndefined();
      });

      test('rings when mail comes by way of another store, whether that one has listeners or not', async () => {
        const other = await place.another();
        const listener = await Listener.open(store);

        await other.append(henry, letter('into the mailbox'));
        const first = await listener.next();
        await Listener.open(other);
        await other.append(henry, letter('straight to listeners'));
        const second = await listener.next();

        expect(textsOf([first, second])).toEqual(['into the mailbox', 'straight to listeners']);
      });

      test('shows mail that came before, then mail that comes, nothing between', async () => {
        await appendAll(store, numbered('before', 5));

        const opening = Listener.open(store);
        const appending = appendAll(store, numbered('meanwhile', 5));
        const listener = await opening;
        await appending;
        await appendAll(store, numbered('after', 5));

        expect(textsOf(await listener.take(15))).toEqual(
          ['before', 'meanwhile', 'after'].flatMap((name) => numbered(name, 5)),
        );
      });

      test('serves several listeners the same', async () => {
        const listeners = [
          await Listener.open(store),
          await Listener.open(store),
          await Listener.open(await place.another()),
        ];

        const events = await appendAll(store, numbered('message', 10));

        for (const listener of listeners) expect(await listener.take(10)).toEqual(events);
      });

      test('falls silent when it is stopped, for that listener only; stopping twice is harmless', async () => {
        const leaving = await Listener.open(store);
        const staying = await Listener.open(store);

        leaving.stop();
        leaving.stop();
        const heard = leaving.rings;
        await store.append(henry, letter('hi'));

        expect(textOf(await staying.next())).toBe('hi');
        expect(leaving.rings).toBe(heard);
      });

      test('mail waits again when the last listener has gone', async () => {
        const listener = await Listener.open(store);
        const first = await store.append(henry, letter('while listening'));
        listener.stop();
        const second = await store.append(henry, letter('while away'));

        const back = await Listener.open(store);

        expect(await back.take(2)).toEqual([first.event, second.event]);
      });
    });

    describe('forgetting', () => {
      test('leaves nothing of the mailbox, and nothing else is touched', async () => {
        const message = letter('secret');
        const { event } = await store.append(henry, message);
        await readAll(store);
        await store.append(henry, letter('waiting secret'));
        await store.append(mina, letter('stays', { receiver: mina }));
        await store.mark(henry, 'delivered', event.id);

        await store.forget(henry);

        const reopened = await place.reopen();
        expect(await readAll(reopened)).toEqual([]);
        expect(await reopened.readBack(henry)).toEqual({ events: [] });
        expect(await reopened.marks(henry)).toEqual({});
        expect(textsOf(await readAll(reopened, mina))).toEqual(['stays']);
      });

      test('lets the mailbox begin anew, its keys too', async () => {
        const message = letter('again');
        await store.append(henry, message);
        await readAll(store);
        await store.forget(henry);

        const { repeated } = await store.append(henry, message);

        expect(repeated).toBe(false);
        expect(textsOf(await readAll(store))).toEqual(['again']);
      });

      test('a mailbox that was never there is harmless', async () => {
        await expect(store.forget(henry)).resolves.toBeUndefined();
      });
    });

    describe('opening and closing', () => {
      test('is ready to take mail', async () => {
        await expect(store.ready()).resolves.toBeUndefined();
      });

      test('finishes what was begun', async () => {
        const appending = Promise.all(numbered('message', 20).map((text) => store.append(henry, letter(text))));

        await store.close();
        await appending;

        expect(textsOf(await readAll(await place.reopen()))).toEqual(numbered('message', 20));
      });

      test('refuses everything afterwards, and closing twice is harmless', async () => {
        await Listener.open(store);
        await store.close();
        await store.close();

        const closed = { code: 'CLOSED' };
        await expect(store.append(henry, letter('late'))).rejects.toMatchObject(closed);
        await expect(store.read(henry)).rejects.toMatchObject(closed);
        await expect(store.readBack(henry)).rejects.toMatchObject(closed);
        await expect(store.ends(henry)).rejects.toMatchObject(closed);
        await expect(store.mark(henry, 'delivered', '1-0')).rejects.toMatchObject(closed);
        await expect(store.marks(henry)).rejects.toMatchObject(closed);
        await expect(store.watch(henry, () => undefined)).rejects.toMatchObject(closed);
        await expect(store.forget(henry)).rejects.toMatchObject(closed);
        await expect(store.ready()).rejects.toMatchObject(closed);
      });
    });
  });
}

async function pagesBack(store: MailboxStore, mailbox: MailboxName, limit: number) {
  const all = [];
  for (let before: string | undefined; ;) {
    const { events, more } = await store.readBack(mailbox, before, limit);
    expect(events.length).toBeLessThanOrEqual(limit);
    all.push(...events);
    if (more === undefined) return all;
    before = more;
  }
}
