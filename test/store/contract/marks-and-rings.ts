import { beforeEach, describe, expect, test } from '@jest/globals';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import { Listener, appendAll, henry, letter, mina, numbered, textOf, textsOf } from '../../support/store-mail.ts';
import type { OpenStore } from './open-store.ts';

/** The promises of `mark` and `watch`. */
export function describeMarksAndRings(opened: () => OpenStore): void {
  let place: OpenStore;
  let store: MailboxStore;

  beforeEach(() => {
    place = opened();
    store = place.store;
  });

  describe('marks', () => {
    test('move forward, never back', async () => {
      const [first, second] = await appendAll(store, ['first', 'second']);

      await store.mark(henry, 'delivered', second!.id);
      await store.mark(henry, 'delivered', first!.id);

      expect(await store.marks(henry)).toEqual({ delivered: second!.id });
    });

    test('of different readers are independent', async () => {
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

    test('of read mail leave the rest undelivered', async () => {
      const events = await appendAll(store, ['first', 'second']);

      await store.mark(henry, 'read:jjeong', events[1]!.id);

      expect((await store.read(henry)).events).toEqual(events);
    });

    test('are kept for 1,000 senders: the read marks that are furthest behind go first, never `delivered`', async () => {
      const [first, second, third] = await appendAll(store, ['first', 'second', 'third']);
      await store.mark(henry, 'delivered', first!.id);
      await store.mark(henry, 'read:jjeong', third!.id);

      for (let i = 0; i < 1100; i++) await store.mark(henry, `read:nobody${i}`, second!.id);

      const { delivered, ...reads } = await (await place.reopen()).marks(henry);
      expect(delivered).toBe(first!.id);
      expect(Object.keys(reads)).toHaveLength(1000);
      expect(reads['read:jjeong']).toBe(third!.id);
    });

    test('are kept when the store is reopened', async () => {
      const [first, second] = await appendAll(store, ['first', 'second']);
      await store.mark(henry, 'delivered', second!.id);
      await store.mark(henry, 'read:jjeong', first!.id);

      const reopened = await place.reopen();

      expect(await reopened.marks(henry)).toEqual({ delivered: second!.id, 'read:jjeong': first!.id });
      expect((await reopened.read(henry)).events).toEqual([]);
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

    test('shows mail that came before, then mail that comes, with nothing missing in between', async () => {
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
      const listeners = [await Listener.open(store), await Listener.open(store)];

      const events = await appendAll(store, numbered('message', 10));

      for (const listener of listeners) expect(await listener.take(10)).toEqual(events);
    });

    test('ends when it is stopped, for that listener only; stopping twice is harmless', async () => {
      const leaving = await Listener.open(store);
      const staying = await Listener.open(store);

      leaving.stop();
      leaving.stop();
      const heard = leaving.rings;
      await store.append(henry, letter('hi'));

      expect(textOf(await staying.next())).toBe('hi');
      expect(leaving.rings).toBe(heard);
    });

    test('mail waits again once the last listener has gone', async () => {
      const listener = await Listener.open(store);
      const first = await store.append(henry, letter('while listening'));
      listener.stop();
      const second = await store.append(henry, letter('while away'));

      const back = await Listener.open(store);

      expect(await back.take(2)).toEqual([first.event, second.event]);
    });
  });
}
