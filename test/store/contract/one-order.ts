import { beforeEach, describe, expect, test } from '@jest/globals';
import { readConversation } from '../../../src/http/conversation.ts';
import type { MailboxName } from '../../../src/words/mailbox-name.ts';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import { henry, jjeong, letter, numbered, readAll } from '../../support/store-mail.ts';
import type { Ability, OpenStore } from './open-store.ts';

const NOW = Date.UTC(2026, 10, 20);
const HOUR_MS = 60 * 60 * 1000;

/** The promise of a store whose ids are in one order for all mailboxes: a conversation reads in the order in which it was held. */
export function describeOneOrder(opened: () => OpenStore, has: (ability: Ability) => boolean): void {
  let place: OpenStore;
  let store: MailboxStore;

  const fromHenry = (text: string): Promise<unknown> =>
    store.append(jjeong, letter(text, { sender: henry, receiver: jjeong }));
  const fromJjeong = (text: string): Promise<unknown> => store.append(henry, letter(text));

  /** The conversation as each person reads it, in pages of `limit`, also after the mailboxes are read and the store is reopened. */
  async function expectConversation(texts: readonly string[]): Promise<void> {
    const look = async (): Promise<void> => {
      for (const limit of [1, 3, 500]) {
        expect(await conversation(store, henry, jjeong, limit)).toEqual(texts);
        expect(await conversation(store, jjeong, henry, limit)).toEqual(texts);
      }
    };
    await look();
    await readAll(store, henry);
    await readAll(store, jjeong);
    await look();
    store = await place.reopen();
    await look();
  }

  describe('a conversation', () => {
    beforeEach(() => {
      place = opened();
      store = place.store;
      place.setClock!(NOW);
    });

    test('keeps its order within one millisecond', async () => {
      const texts = numbered('message', 7);

      for (const [i, text] of texts.entries()) await (i % 3 === 0 ? fromHenry(text) : fromJjeong(text));

      await expectConversation(texts);
    });

    test('keeps its order when the clock is set back by an hour, and forward again', async () => {
      await fromJjeong('question');
      place.setClock!(NOW - HOUR_MS);
      await fromHenry('answer');
      await fromJjeong('thanks');
      place.setClock!(NOW + 1);
      await fromHenry('see you');

      await expectConversation(['question', 'answer', 'thanks', 'see you']);
    });

    test('keeps its order when the clock is set back while the store is closed', async () => {
      await fromJjeong('question');
      store = await place.reopen();
      place.setClock!(NOW - HOUR_MS);
      await fromHenry('answer');

      await expectConversation(['question', 'answer']);
    });

    test('keeps its order, whoever listens', async () => {
      await store.watch(henry, () => undefined);
      await fromJjeong('question');
      place.setClock!(NOW - HOUR_MS);
      await fromHenry('answer');
      await fromJjeong('thanks');

      await expectConversation(['question', 'answer', 'thanks']);
    });

    if (has('foreign mail')) {
      test('has foreign mail in its place when the clock is set back after it was read', async () => {
        await fromHenry('before');
        place.setClock!(NOW + HOUR_MS);
        place.appendForeign!(henry, 'foreign');
        await store.drain(henry);
        place.setClock!(NOW);
        await fromHenry('answer');
        await fromJjeong('thanks');

        expect(await conversation(store, henry, jjeong, 1)).toEqual(['before', 'foreign', 'answer', 'thanks']);
        store = await place.reopen();
        expect(await conversation(store, henry, jjeong, 1)).toEqual(['before', 'foreign', 'answer', 'thanks']);
      });

      test('has foreign mail where it was read, even if more comes at once', async () => {
        const texts = ['before', 'foreign', 'answer', 'thanks', 'foreign again', 'see you'];
        for (const [i, text] of texts.entries()) {
          place.setClock!(NOW + i);
          if (text.startsWith('foreign')) place.appendForeign!(henry, text);
          else await (text === 'thanks' ? fromJjeong(text) : fromHenry(text));
          await store.drain(henry);
        }

        expect(await conversation(store, henry, jjeong, 1)).toEqual(texts);
        store = await place.reopen();
        expect(await conversation(store, henry, jjeong, 1)).toEqual(texts);
      });
    }

    test('has times that never decrease', async () => {
      await fromJjeong('first');
      place.setClock!(NOW - HOUR_MS);
      await fromJjeong('second');

      const times = (await readAll(store)).map(({ time }) => time);

      expect(times.toSorted((a, b) => a - b)).toEqual(times);
    });
  });
}

async function conversation(
  store: MailboxStore,
  me: MailboxName,
  other: MailboxName,
  limit: number,
): Promise<string[]> {
  const texts: string[] = [];
  for (let before: string | undefined; ;) {
    const page = await readConversation(store, me, other, { limit, before });
    texts.unshift(...page.messages.map(({ message }) => message));
    if (page.before === null) return texts;
    before = page.before;
  }
}
