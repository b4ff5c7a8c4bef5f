import { beforeEach, describe, expect, test } from '@jest/globals';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import { Listener, henry, letter, readAll, textsOf } from '../../support/store-mail.ts';
import type { OpenStore } from './open-store.ts';

/** The promises of a store to which other programs write mail without our code. */
export function describeForeignMail(opened: () => OpenStore): void {
  let place: OpenStore;
  let store: MailboxStore;

  beforeEach(() => {
    place = opened();
    store = place.store;
  });

  describe('foreign mail', () => {
    test('can be read when the mailbox has been drained, between what came before and after it', async () => {
      await store.append(henry, letter('before'));
      place.appendForeign!(henry, 'foreign');
      await store.drain(henry);
      await store.append(henry, letter('after'));

      expect(textsOf(await readAll(store))).toEqual(['before', 'foreign', 'after']);
    });

    test('is the newest in its mailbox as soon as that has been drained, and keeps its id', async () => {
      place.appendForeign!(henry, 'foreign');
      await store.drain(henry);

      const { newest } = await store.ends(henry);
      const [event] = await readAll(store);

      expect(event).toMatchObject({ id: newest, data: 'foreign' });
      expect(store.isId(newest)).toBe(true);
      expect(await readAll(await place.reopen())).toEqual([event]);
    });

    test('reaches a listener', async () => {
      const listener = await Listener.open(store);

      place.appendForeign!(henry, 'foreign');

      expect(await listener.next()).toMatchObject({ data: 'foreign' });
    });

    test('is read back with the same id', async () => {
      await store.append(henry, letter('before'));
      place.appendForeign!(henry, 'foreign');
      const events = await readAll(store);

      expect((await store.readBack(henry)).events).toEqual(events.toReversed());
    });
  });
}
