import { beforeEach, describe, expect, test } from '@jest/globals';
import { type MailboxName } from '../../../src/words/mailbox-name.ts';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import { appendAll, henry, letter, mina, numbered, readAll, textsOf } from '../../support/store-mail.ts';
import type { OpenStore } from './open-store.ts';

/** The promises of `read`, `readBack` and `ends`. */
export function describeReading(opened: () => OpenStore): void {
  let place: OpenStore;
  let store: MailboxStore;

  beforeEach(() => {
    place = opened();
    store = place.store;
  });

  describe('reading', () => {
    test('continues from a cursor, oldest first', async () => {
      const events = await appendAll(store, numbered('message', 5));

      expect(await readAll(store, henry, events[1]!.id)).toEqual(events.slice(2));
      expect(await store.read(henry, events[4]!.id)).toEqual({ events: [], gap: false });
    });

    test('reads the same again: reading removes nothing', async () => {
      const events = await appendAll(store, numbered('message', 5));

      expect(await readAll(store)).toEqual(events);
      expect(await readAll(store)).toEqual(events);
      expect(await readAll(await place.reopen())).toEqual(events);
    });

    test('gets one event by its id, with its type', async () => {
      const [first, second] = await appendAll(store, numbered('message', 2));
      const { event } = await store.append(henry, letter('', { type: 'react', of: first!.id, emoji: '👍' }));

      expect(event.type).toBe('react');
      expect(await Promise.all([second!, event].map(({ id }) => store.get(henry, id)))).toEqual([second, event]);
      expect(await store.get(mina, second!.id)).toBeUndefined();
      expect(await (await place.reopen()).get(henry, event.id)).toEqual(event);
    });

    test('gives no more than the limit, and the rest at the next call', async () => {
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

    test('begins after the mark if no cursor is given, and at the oldest event without a mark', async () => {
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

    test('the ends of a mailbox are the cursor that reads everything and the cursor that reads nothing', async () => {
      const empty = await store.ends(henry);
      const events = await appendAll(store, numbered('message', 3));
      await readAll(store);

      const { oldest, newest } = await store.ends(henry);

      expect(newest).toBe(events[2]!.id);
      expect(await readAll(store, henry, oldest)).toEqual(events);
      expect(await readAll(store, henry, empty.newest)).toEqual(events);
      expect(await readAll(store, henry, newest)).toEqual([]);
    });

    test('an event that was read once never changes', async () => {
      await appendAll(store, numbered('message', 5));
      const seen = await readAll(store);
      await store.drain(henry);

      expect(await readAll(store)).toEqual(seen);
      expect(await readAll(await place.reopen())).toEqual(seen);
    });

    test('distinguishes its ids from other texts', async () => {
      const { event } = await store.append(henry, letter('hi'));
      const others = ['', ' ', 'nonsense', `${event.id}\n`, ` ${event.id}`, '../henry', '안녕', 'null', '-'];

      expect(store.isId(event.id)).toBe(true);
      expect(others.filter((text) => store.isId(text))).toEqual([]);
    });

    test('compares ids in the order in which they were given', async () => {
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

    test('gives what came before an event, without that event', async () => {
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

    test('changes nothing: the mail still waits', async () => {
      const events = await appendAll(store, numbered('message', 3));

      await store.readBack(henry);

      expect((await store.read(henry)).events).toEqual(events);
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
