import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Conversation } from '../../public/js/conversation.js';
import type { HistoryMessage } from '../../src/http/backwards.ts';
import { readConversation } from '../../src/http/conversation.ts';
import { compareIds } from '../../src/files/event-id.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../../src/words/mailbox-store.ts';
import { messageData } from '../../src/words/message-data.ts';
import { shownMail } from '../../src/words/shown-mail.ts';

const [henry, jjeong] = [mailboxName('henry'), mailboxName('jjeong')];

/** What happens to henry's conversation. `clock`: moves by so many ms. `answer`: his page gets the answers to so many of its messages. */
type Step =
  | { readonly kind: 'henry writes' | 'jjeong writes' | 'a program writes' | 'events come' }
  | { readonly kind: 'clock' | 'answers come'; readonly by: number };

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('henry writes' as const, 'jjeong writes', 'a program writes', 'events come') }),
    fc.record({ kind: fc.constant('clock' as const), by: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer()) }),
    fc.record({ kind: fc.constant('answers come' as const), by: fc.nat(3) }),
  ),
  { maxLength: 60 },
);

/** The mail of both, with one clock for all ids, and what henry's page gets of it. */
class Talk {
  readonly page = new Conversation(henry, henry);
  readonly #mail = { henry: [] as MailEvent[], jjeong: [] as MailEvent[] };
  #now = Date.UTC(2026, 10, 20);
  #last = { ms: 0, seq: 0 };
  #sent: MailEvent[] = [];
  #heard = 0;
  #count = 0;

  take(step: Step): void {
    if (step.kind === 'clock') this.#now = Math.max(1, this.#now + step.by);
    if (step.kind === 'henry writes') this.#sent.push(this.#append('jjeong'));
    if (step.kind === 'jjeong writes') this.#append('henry');
    if (step.kind === 'a program writes') this.#writeForeign();
    if (step.kind === 'events come') this.hearEvents();
    if (step.kind === 'answers come') this.hearAnswers(step.by);
  }

  hearEvents(): void {
    const { henry: events } = this.#mail;
    this.page.merge(events.slice(this.#heard).map((event) => shownMail(henry, event)));
    this.#heard = events.length;
  }

  hearAnswers(most = Infinity): void {
    const answers = this.#sent.splice(0, most);
    this.page.merge(answers.map(({ id, data }) => ({ mailbox: jjeong, id, ...ours(data), state: 'sent' })));
  }

  /** What a page shows that is loaded now and reads the history `limit` messages at a time. */
  async reloaded(limit: number): Promise<Conversation> {
    const page = new Conversation(henry, henry);
    let before: string | undefined;
    do {
      const older = await this.history(limit, before);
      page.merge([...older.messages]);
      before = older.before ?? undefined;
    } while (before !== undefined);
    return page;
  }

  history(limit: number, before?: string): Promise<{ messages: readonly HistoryMessage[]; before: string | null }> {
    const store = {
      drain: async () => undefined,
      marks: async () => ({}),
      ends: async () => ({ oldest: '0-0', newest: '0-0' }),
      isId: () => true,
      compare: compareIds,
      readBack: async (name: 'henry' | 'jjeong', end?: string) => {
        const events = this.#mail[name].filter(({ id }) => end === undefined || compareIds(id, end) < 0);
        return { events: events.toReversed() };
      },
    };
    return readConversation(store as unknown as MailboxStore, henry, jjeong, { limit, before });
  }

  #append(receiver: 'henry' | 'jjeong'): MailEvent {
    const { ms, seq } = this.#last;
    this.#last = this.#now > ms ? { ms: this.#now, seq: 0 } : { ms, seq: seq + 1 };
    const sender = receiver === 'henry' ? jjeong : henry;
    const key = `key ${(this.#count += 1)}`;
    const data = messageData({ sender, receiver: mailboxName(receiver), message: key, key }, this.#now);
    const event = { id: `${this.#last.ms}-${this.#last.seq}`, time: this.#last.ms, data };
    this.#mail[receiver].push(event);
    return event;
  }

  #writeForeign(): void {
    const [own = '0-0', n = '0'] = (this.#mail.henry.at(-1)?.id ?? '0-0').split('.');
    this.#last = { ms: Math.max(this.#now, this.#last.ms + 1), seq: 0 };
    const event = { id: `${own}.${Number(n) + 1}`, time: this.#last.ms, data: `text ${(this.#count += 1)}` };
    this.#mail.henry.push(event);
  }
}

type Ours = Readonly<Record<'sender' | 'receiver' | 'message' | 'time' | 'key', string>>;
const ours = (data: string) => JSON.parse(data) as Ours;

/** Mail to henry in the form in which his page gets it, live or from the history. */
const told = (id: string, time: number, data: string) => shownMail(henry, { id, time, data });

const textsOf = ({ messages }: { readonly messages: readonly { readonly message: string }[] }): string[] =>
  messages.map(({ message }) => message);

describe('a conversation on the page', () => {
  test('is the same live and after a reload, whatever clocks do and in whatever order things come', async () => {
    await fc.assert(
      fc.asyncProperty(steps, fc.integer({ min: 1, max: 5 }), async (all, limit) => {
        const talk = new Talk();
        for (const step of all) talk.take(step);
        talk.hearEvents();
        talk.hearAnswers();

        const history = textsOf(await talk.history(100));
        expect(textsOf(talk.page)).toEqual(history);
        expect(textsOf(await talk.reloaded(limit))).toEqual(history);
      }),
      { numRuns: 500 },
    );
  });
});

describe('two opposite messages of one millisecond', () => {
  const stored = [
    { mailbox: 'henry', id: '1763600000000-0', sender: 'jjeong', receiver: 'henry', message: 'hi', key: 'a' },
    { mailbox: 'jjeong', id: '1763600000000-0', sender: 'henry', receiver: 'jjeong', message: 'ho', key: 'b' },
  ].map((message) => ({ ...message, time: '2025-11-20T00:53:20.000Z' }));

  test.each([[stored], [stored.toReversed()]])(
    'stand in the same order on both pages, whichever comes first',
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

  test('goes where the history has it when something accepted before it arrives late', () => {
    const page = new Conversation('henry', 'henry');

    page.merge([text(1)]);
    page.merge([{ ...sent, id: '1763600000000-0', message: 'late', key: 'a' }]);
    page.merge([text(1)]);

    expect(textsOf(page)).toEqual(['late', 'text 1']);
  });

  test('leaves the mail before it in place when something accepted before that mail arrives late', () => {
    const page = new Conversation('henry', 'henry');
    const heard = { mailbox: 'henry', sender: 'jjeong', receiver: 'henry', time: sent.time, key: 'a' };

    page.merge([{ ...heard, id: '1763600000009-0', message: 'heard' }]);
    page.merge([told('1763600000009-0.1', 1763600000009, 'text')]);
    page.merge([{ ...sent, id: '1763600000007-0', message: 'late', key: 'b' }]);

    expect(textsOf(page)).toEqual(['late', 'heard', 'text']);
  });

  test('stays where it is when it comes again', () => {
    const page = new Conversation('henry', 'henry');

    page.merge([text(1)]);
    page.merge([{ ...sent, id: '1763600000002-0', message: 'next', key: 'a' }]);
    page.merge([text(1)]);

    expect(textsOf(page)).toEqual(['text 1', 'next']);
  });

  test('stands before what is said next, even in great numbers', () => {
    const page = new Conversation('henry', 'henry');
    page.merge([{ ...sent, id: '1763600000000-0', message: 'before', key: 'a' }]);

    for (let n = 1; n <= 20; n += 1) page.merge([text(n)]);
    page.merge([{ ...sent, id: '1763600000002-0', message: 'next', key: 'b' }]);

    expect(textsOf(page)).toEqual(['before', ...Array.from({ length: 20 }, (_, n) => `text ${n + 1}`), 'next']);
  });

  test('in the form of ours is ordered by when it came, not by the time it claims', () => {
    const page = new Conversation('henry', 'henry');
    const data = { sender: 'jjeong', receiver: 'henry', message: 'from 2099', time: '2099-01-01T00:00:00Z', key: 'a' };

    page.merge([told('0-0.1', 1763600000001, JSON.stringify(data))]);
    page.merge([{ ...sent, id: '1763600000002-0', message: 'next', key: 'b' }]);

    expect(textsOf(page)).toEqual(['from 2099', 'next']);
  });
});

test('a message older than all that a page knows belongs above it, whatever its time says', () => {
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
