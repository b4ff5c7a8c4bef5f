import { beforeEach, describe, expect, test } from '@jest/globals';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import { henry, letter, mina, readAll, textsOf } from '../../support/store-mail.ts';
import type { OpenStore } from './open-store.ts';

/** The promises of `forget`, if the store has it. */
export function describeForgetting(opened: () => OpenStore): void {
  let place: OpenStore;
  let store: MailboxStore;

  beforeEach(() => {
    place = opened();
    store = place.store;
  });

  describe('forgetting', () => {
    test('leaves nothing of the mailbox, and changes nothing else', async () => {
      const message = letter('secret');
      const { event } = await store.append(henry, message);
      await readAll(store);
      await store.append(henry, letter('waiting secret'));
      await store.append(mina, letter('stays', { receiver: mina }));
      await store.mark(henry, 'delivered', event.id);

      await store.forget!(henry);

      const reopened = await place.reopen();
      expect(await readAll(reopened)).toEqual([]);
      expect(await reopened.readBack(henry)).toEqual({ events: [] });
      expect(await reopened.marks(henry)).toEqual({});
      expect(textsOf(await readAll(reopened, mina))).toEqual(['stays']);
    });

    test('lets the mailbox begin again, with no known keys', async () => {
      const message = letter('again');
      await store.append(henry, message);
      await readAll(store);
      await store.forget!(henry);

      const { repeated } = await store.append(henry, message);

      expect(repeated).toBe(false);
      expect(textsOf(await readAll(store))).toEqual(['again']);
    });

    test('a mailbox that never existed is harmless', async () => {
      await expect(store.forget!(henry)).resolves.toBeUndefined();
    });

    test('is refused by a store that is closed', async () => {
      await store.close();

      await expect(store.forget!(henry)).rejects.toMatchObject({ code: 'CLOSED' });
    });
  });
}
