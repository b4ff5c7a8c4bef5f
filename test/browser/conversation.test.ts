import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Conversation } from '../../public/js/conversation.js';
import { KeptMessages } from '../../public/js/history-pages.js';
import { Reading } from '../../public/js/reading.js';
import { remember } from '../../public/js/storage.js';
import { shownMail } from '../../src/words/shown-mail.ts';
import { Talk, henry, steps } from './talk.ts';

/** Mail to henry as his page gets it, live or from the history. */
const told = (id: string, time: number, data: string) => shownMail(henry, { id, time, data });

const textsOf = ({ messages }: { readonly messages: readonly { readonly message: string }[] }): string[] =>
  messages.map(({ message }) => message);

/** With the field names of the history. */
const shownBy = (messages: ChatMessage[]) =>
  messages.map(({ message, isEdited, isRemoved, reactions }) => ({
    message,
    edited: isEdited || undefined,
    removed: isRemoved || undefined,
    reactions: Object.keys(reactions).length > 0 ? reactions : undefined,
  }));

describe('a conversation on the page', () => {
  test('is the same live and after a reload, whatever the clocks and the order of arrival', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 5 }), async (all, limit) => {
        const talk = new Talk();
        for (const step of all) talk.take(step);
        talk.hearEvents();
        talk.hearAnswers();

        const live = shownBy(talk.page.messages);
        const { messages } = await talk.history(100);
        expect(live).toEqual(
          messages.map(({ message, edited, removed, reactions }) => ({ message, edited, removed, reactions })),
        );
        talk.erase();
        expect(shownBy((await talk.reloaded(limit)).messages)).toEqual(live);
      }),
      { numRuns: 500 },
    );
  });
});

describe('two messages that cross within one millisecond', () => {
  const stored = [
    { mailbox: 'henry', id: '1763600000000-0', sender: 'jjeong', receiver: 'henry', message: 'hi', key: 'a' },
    { mailbox: 'jjeong', id: '1763600000000-0', sender: 'henry', receiver: 'jjeong', message: 'ho', key: 'b' },
  ].map((message) => ({ ...message, time: '2025-11-20T00:53:20.000Z' }));

  test.each([[stored], [stored.toReversed()]])(
    'are in the same order on both pages, whichever arrives first',
    (coming) => {
      const pages = [new Conversation('henry', 'henry'), new Conversation('jjeong', 'jjeong')];

      for (const page of pages) for (const one of coming) page.merge([one]);

      expect(pages.map(textsOf)).toEqual([
        ['hi', 'ho'],
        ['hi', 'ho'],
      ]);
    },
  );
});

describe('what another program wrote', () => {
  const sent = { mailbox: 'jjeong', sender: 'henry', receiver: 'jjeong', time: '2025-11-20T00:53:20.000Z' };
  const text = (n: number) => told(`0-0.${n}`, 1763600000001, `text ${n}`);

  test('moves to its place in the history when an earlier message arrives late', () => {
    const page = new Conversation('henry', 'henry');

    page.merge([text(1)]);
    page.merge([{ ...sent, id: '1763600000000-0', message: 'late', key: 'a' }]);
    page.merge([text(1)]);

    expect(textsOf(page)).toEqual(['late', 'text 1']);
  });

  test('does not move earlier mail when a message from before that mail arrives late', () => {
    const page = new Conversation('henry', 'henry');
    const heard = { mailbox: 'henry', sender: 'jjeong', receiver: 'henry', time: sent.time, key: 'a' };

    page.merge([{ ...heard, id: '1763600000009-0', message: 'heard' }]);
    page.merge([told('1763600000009-0.1', 1763600000009, 'text')]);
    page.merge([{ ...sent, id: '1763600000007-0', message: 'late', key: 'b' }]);

    expect(textsOf(page)).toEqual(['late', 'heard', 'text']);
  });

  test('stays in place when it arrives again', () => {
    const page = new Conversation('henry', 'henry');

    page.merge([text(1)]);
    page.merge([{ ...sent, id: '1763600000002-0', message: 'next', key: 'a' }]);
    page.merge([text(1)]);

    expect(textsOf(page)).toEqual(['text 1', 'next']);
  });

  test('comes before the next message, even in large numbers', () => {
    const page = new Conversation('henry', 'henry');
    page.merge([{ ...sent, id: '1763600000000-0', message: 'before', key: 'a' }]);

    for (let n = 1; n <= 20; n += 1) page.merge([text(n)]);
    page.merge([{ ...sent, id: '1763600000002-0', message: 'next', key: 'b' }]);

    expect(textsOf(page)).toEqual(['before', ...Array.from({ length: 20 }, (_, n) => `text ${n + 1}`), 'next']);
  });

  test('in our form is ordered by when it came, not by the time it claims', () => {
    const page = new Conversation('henry', 'henry');
    const data = { sender: 'jjeong', receiver: 'henry', message: 'from 2099', time: '2099-01-01T00:00:00Z', key: 'a' };

    page.merge([told('0-0.1', 1763600000001, JSON.stringify(data))]);
    page.merge([{ ...sent, id: '1763600000002-0', message: 'next', key: 'b' }]);

    expect(textsOf(page)).toEqual(['from 2099', 'next']);
  });
});

test('a message that is older than everything on the page goes above it, whatever its time says', () => {
  const page = new Conversation('henry', 'henry');
  const mail = { mailbox: 'henry', sender: 'jjeong', receiver: 'henry', key: 'a' };
  const [early, late] = ['2025-11-20T00:53:20.000Z', '2025-11-20T01:53:20.000Z'];
  page.merge([{ ...mail, id: '1763600000005-0', message: 'known', time: early }]);

  expect(page.isAbove({ ...mail, id: '1763600000004-0', message: 'older', time: late })).toBe(true);
  expect(page.isAbove({ ...mail, id: '1763600000005-1', message: 'newer', time: early })).toBe(false);
});

test('orders two mailboxes by the times of their mail if ids carry no time, as on NATS', () => {
  const page = new Conversation('henry', 'henry');
  const data = { sender: 'jjeong', receiver: 'henry', message: 'later', time: '2025-11-20T00:53:20.002Z', key: 'a' };
  const sent = { sender: 'henry', receiver: 'jjeong', message: 'earlier', time: '2025-11-20T00:53:20.001Z', key: 'b' };

  page.merge([told('1763600000000.9', Date.parse(data.time), JSON.stringify(data))]);
  page.merge([{ mailbox: 'jjeong', id: '1763600000001.1', ...sent }]);

  expect(textsOf(page)).toEqual(['earlier', 'later']);
});

describe('what the browser has kept', () => {
  const whole = {
    mailbox: 'henry',
    id: '1763600000000-0',
    sender: 'jjeong',
    receiver: 'henry',
    message: 'hi',
    time: '2026-11-20T01:02:03.000Z',
    key: 'k',
    state: 'read',
    reactions: { henry: '👍' },
  };
  const wrong = [
    { id: 'first' },
    { sender: 7 },
    { sender: {} },
    { name: ['a'] },
    { message: 'x'.repeat(60_001) },
    { time: 5 },
    { reactions: 'abc' },
    { reactions: { henry: 1 } },
    { reactions: null },
    { acceptedMs: 'soon' },
    { state: {} },
    { key: 1 },
    { replyTo: [] },
  ];
  const bad = [null, 7, 'text', {}, ...wrong.map((field) => ({ ...whole, ...field }))];

  test.each(bad)('%j is no message, and the one beside it is shown', (one) => {
    remember('kept/bad', JSON.stringify([one, whole]));

    expect(new KeptMessages('kept/bad').messages).toEqual([whole]);
  });

  test.each(['{', '{"messages":[]}', '7', 'null', ''])('%j are no messages', (text) => {
    remember('kept/bad', text);

    expect(new KeptMessages('kept/bad').messages).toEqual([]);
  });

  test('is no place where reading has stopped if it is no id', () => {
    const reading = new Reading(() => false);

    for (const id of ['', 'x', '-', '1e9', '1'.repeat(300)]) reading.reach(id);

    expect(reading.upTo).toBeUndefined();
  });
});
