import { beforeEach, describe, expect, test } from '@jest/globals';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import { Listener, henry, letter, mina, readAll, textsOf } from '../../support/store-mail.ts';
import type { OpenStore } from './open-store.ts';

/** The promises of keys. */
export function describeKeys(opened: () => OpenStore): void {
  let place: OpenStore;
  let store: MailboxStore;

  beforeEach(() => {
    place = opened();
    store = place.store;
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

    test('a message that is sent again after it was read is recognized', async () => {
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

    test('a message that is sent ten times at once arrives once', async () => {
      const message = letter('once');

      const appended = await Promise.all(Array.from({ length: 10 }, () => store.append(henry, message)));

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

      const results = await Promise.allSettled(texts.map((text) => store.append(henry, { ...message, message: text })));

      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(results[1]).toMatchObject({ reason: { code: 'KEY_REUSED' } });
      expect(textsOf(await readAll(store))).toEqual(['first']);
    });

    test('the same key from another sender suppresses nothing', async () => {
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
}
