import { beforeEach, describe, expect, test } from '@jest/globals';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import { Listener, appendAll, henry, letter, numbered, readAll, textsOf } from '../../support/store-mail.ts';
import type { OpenStore } from './open-store.ts';

/** The promises of a store when several processes use the same data at once. */
export function describeSeveralProcesses(opened: () => OpenStore): void {
  let place: OpenStore;
  let store: MailboxStore;

  beforeEach(() => {
    place = opened();
    store = place.store;
  });

  describe('several processes', () => {
    test('put a message after every message that was accepted before it was sent', async () => {
      const other = await place.another!();

      for (let i = 0; i < 10; i += 1) {
        await store.append(henry, letter(`${i} here`));
        await other.append(henry, letter(`${i} there`));
      }

      const expected = Array.from({ length: 10 }, (_, i) => [`${i} here`, `${i} there`]).flat();
      expect(textsOf(await readAll(store))).toEqual(expected);
      expect(textsOf(await readAll(other))).toEqual(expected);
    });

    test('keep what two stores append at once in the same order for both', async () => {
      const other = await place.another!();

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

    test('never change an event that one of them has read', async () => {
      const other = await place.another!();
      await appendAll(store, numbered('message', 5));
      const seen = await readAll(other);

      expect(await readAll(store)).toEqual(seen);
      expect(await readAll(await place.reopen())).toEqual(seen);
    });

    test('recognize a message that is sent again through another one', async () => {
      const other = await place.another!();
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

    test('accept a message once that is sent ten times at once through two of them', async () => {
      const stores = [store, await place.another!()];
      const message = letter('once');

      const appended = await Promise.all(Array.from({ length: 10 }, (_, i) => stores[i % 2]!.append(henry, message)));

      const events = await readAll(store);
      expect(textsOf(events)).toEqual(['once']);
      expect(appended.filter(({ repeated }) => !repeated)).toHaveLength(1);
      expect(new Set(appended.map(({ event }) => event.id))).toEqual(new Set([events[0]!.id]));
    });

    test('end with the later mark if two stores move it', async () => {
      const other = await place.another!();
      const [first, second] = await appendAll(store, ['first', 'second']);

      await other.mark(henry, 'delivered', second!.id);
      await store.mark(henry, 'delivered', first!.id);
      await store.close();
      await other.close();

      expect(await (await place.another!()).marks(henry)).toEqual({ delivered: second!.id });
    });

    test('keep all marks that two stores move at once', async () => {
      const other = await place.another!();
      const { event } = await store.append(henry, letter('hi'));
      const names = (whose: string) => Array.from({ length: 5 }, (_, i) => `read:${whose}-${i}` as const);

      await Promise.all([
        ...names('here').map((name) => store.mark(henry, name, event.id)),
        ...names('there').map((name) => other.mark(henry, name, event.id)),
      ]);
      await Promise.all([store.close(), other.close()]);

      const marks = await (await place.another!()).marks(henry);
      expect(Object.keys(marks).toSorted()).toEqual([...names('here'), ...names('there')].toSorted());
    });

    test('ring when mail comes through another one, whether that one has listeners or not', async () => {
      const other = await place.another!();
      const listener = await Listener.open(store);

      await other.append(henry, letter('into the mailbox'));
      const first = await listener.next();
      await Listener.open(other);
      await other.append(henry, letter('straight to listeners'));
      const second = await listener.next();

      expect(textsOf([first, second])).toEqual(['into the mailbox', 'straight to listeners']);
    });

    test('serve the listeners of each the same', async () => {
      const listeners = [
        await Listener.open(store),
        await Listener.open(store),
        await Listener.open(await place.another!()),
      ];

      const events = await appendAll(store, numbered('message', 10));

      for (const listener of listeners) expect(await listener.take(10)).toEqual(events);
    });
  });
}
