import { beforeEach, describe, expect, test } from '@jest/globals';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import { Listener, henry, letter, numbered, readAll, textsOf } from '../../support/store-mail.ts';
import type { OpenStore } from './open-store.ts';

/** The promises of opening and closing a store. */
export function describeOpeningAndClosing(opened: () => OpenStore): void {
  let place: OpenStore;
  let store: MailboxStore;

  beforeEach(() => {
    place = opened();
    store = place.store;
  });

  describe('opening and closing', () => {
    test('is ready to accept mail', async () => {
      await expect(store.ready()).resolves.toBeUndefined();
    });

    test('finishes work in progress', async () => {
      const appending = Promise.all(numbered('message', 20).map((text) => store.append(henry, letter(text))));

      await store.close();
      await appending;

      expect(textsOf(await readAll(await place.reopen()))).toEqual(numbered('message', 20));
    });

    test('refuses all work afterwards, and closing twice is harmless', async () => {
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
      await expect(store.drain(henry)).rejects.toMatchObject(closed);
      await expect(store.ready()).rejects.toMatchObject(closed);
    });
  });
}
