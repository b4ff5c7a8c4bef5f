import { beforeEach, describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { mailboxName } from '../../../src/words/mailbox-name.ts';
import type { MailboxStore } from '../../../src/words/mailbox-store.ts';
import {
  Listener,
  appendAll,
  henry,
  jjeong,
  letter,
  mina,
  numbered,
  readAll,
  textsOf,
} from '../../support/store-mail.ts';
import type { OpenStore } from './open-store.ts';

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

/** The promises of `append`. */
export function describeAppending(opened: () => OpenStore): void {
  let place: OpenStore;
  let store: MailboxStore;

  beforeEach(() => {
    place = opened();
    store = place.store;
  });

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

    test.each(['nobody', 'somebody'])('keeps each sender’s order among 100 at once while %s listens', async (who) => {
      if (who === 'somebody') await Listener.open(store);
      const senders = [jjeong, mina, mailboxName('yuna'), mailboxName('bob')];
      const letters = senders.flatMap((sender) => numbered(sender, 25).map((text) => letter(text, { sender })));
      const interleaved = letters.toSorted((a, b) => Number(a.message.split(' ')[1]) - Number(b.message.split(' ')[1]));

      const appended = await Promise.all(interleaved.map((message) => store.append(henry, message)));

      const events = await readAll(store);
      expect(new Set(appended.map(({ event }) => event.id)).size).toBe(100);
      expect(events.map(({ id }) => id).toSorted()).toEqual(appended.map(({ event }) => event.id).toSorted());
      for (const sender of senders) {
        expect(textsOf(events).filter((text) => text.startsWith(sender))).toEqual(numbered(sender, 25));
      }
    });

    test('keeps mailboxes apart', async () => {
      await store.append(henry, letter('for henry'));
      await store.append(mina, letter('for mina', { receiver: mina }));

      expect(textsOf(await readAll(store, henry))).toEqual(['for henry']);
      expect(textsOf(await readAll(store, mina))).toEqual(['for mina']);
      expect(await readAll(store, jjeong)).toEqual([]);
    });

    test.each(['__proto__', 'constructor', 'room.lobby', 'délphine', '김영희', '-', '1'])(
      'serves a mailbox with the name %s like any other',
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
}
