import * as fc from 'fast-check';
import { Conversation } from '../../public/js/conversation.js';
import { dataOf, ourBlockWithoutText } from '../../src/files/erased-text.ts';
import { compareIds } from '../../src/files/event-id.ts';
import { readConversation, type Page } from '../../src/http/conversation.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../../src/words/mailbox-store.ts';
import { messageData } from '../../src/words/message-data.ts';
import { shownChange } from '../../src/words/shown-change.ts';
import { shownMail } from '../../src/words/shown-mail.ts';

export const henry = mailboxName('henry');
const jjeong = mailboxName('jjeong');

const CHANGES = ['edit', 'remove', 'react'] as const;

/**
 * What happens to henry's conversation. `clock`: the clock moves by this many ms. `answers come`: his page gets this many of the
 * answers it waits for. `of`: one of the messages, counted back from the newest.
 */
type Step =
  | { readonly kind: 'henry writes' | 'jjeong writes' | 'a program writes' | 'events come' }
  | { readonly kind: 'clock' | 'answers come'; readonly by: number }
  | { readonly kind: 'henry' | 'jjeong' | 'a program'; readonly type: (typeof CHANGES)[number]; readonly of: number };

export const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('henry writes' as const, 'jjeong writes', 'a program writes', 'events come') }),
    fc.record({ kind: fc.constant('clock' as const), by: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer()) }),
    fc.record({ kind: fc.constant('answers come' as const), by: fc.nat(3) }),
    fc.record({
      kind: fc.constantFrom('henry' as const, 'jjeong', 'a program'),
      type: fc.constantFrom(...CHANGES),
      of: fc.nat(4),
    }),
  ),
  { maxLength: 60, size: 'max' },
);

/** The mail of both, with one clock for all ids, and what henry's page gets of it. */
export class Talk {
  readonly page = new Conversation(henry, henry);
  readonly #mail = { henry: [] as MailEvent[], jjeong: [] as MailEvent[] };
  /** The ids of all messages. */
  readonly #said: string[] = [];
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
    if ('of' in step) this.#change(step.kind, step.type, this.#said.at(-1 - step.of) ?? '1-0');
  }

  hearEvents(): void {
    const { henry: events } = this.#mail;
    for (const event of events.slice(this.#heard)) {
      const change = shownChange(henry, event);
      if (change) this.page.change([change as MessageChange]);
      else this.page.merge([shownMail(henry, event)]);
    }
    this.#heard = events.length;
  }

  hearAnswers(most = Infinity): void {
    for (const { id, type, data } of this.#sent.splice(0, most)) {
      const answer = { mailbox: jjeong, id, ...(JSON.parse(data) as object), state: 'sent' };
      if (type) this.page.change([{ ...answer, event: type } as unknown as MessageChange]);
      else this.page.merge([answer as unknown as StoredMessage]);
    }
  }

  /** Overwrites the texts that changes have replaced, as the store does. */
  erase(): void {
    for (const [name, events] of Object.entries(this.#mail)) {
      const sender = name === 'henry' ? 'jjeong' : 'henry';
      for (const of of this.#said) {
        const changes = events.filter(({ type, data }) => type !== 'react' && type && isBy(data, sender, of));
        const message = events.find(({ id, type, foreign }) => id === of && !type && !foreign);
        if (!message || changes.length === 0) continue;
        const isRemoved = changes.some(({ type }) => type === 'remove');
        const newest = isRemoved ? undefined : changes.at(-1);
        this.#blank(events, message, !isRemoved);
        for (const one of changes) if (one.type === 'edit' && one !== newest) this.#blank(events, one, false);
      }
    }
  }

  /** What a page shows if it is loaded now and reads the history `limit` messages at a time. */
  async reloaded(limit: number): Promise<Conversation> {
    const page = new Conversation(henry, henry);
    let before: string | undefined;
    do {
      const older = await this.history(limit, before);
      page.merge([...older.messages]);
      page.change([...(older.changes ?? [])] as MessageChange[]);
      before = older.before ?? undefined;
    } while (before !== undefined);
    return page;
  }

  history(limit: number, before?: string): Promise<Page> {
    const store = {
      drain: async () => undefined,
      marks: async () => ({}),
      ends: async () => ({ oldest: '0-0', newest: '0-0' }),
      isId: () => true,
      compare: compareIds,
      read: async (name: 'henry' | 'jjeong', after: string, most: number) => {
        const events = this.#mail[name].filter(({ id }) => compareIds(id, after) > 0);
        return { events: events.slice(0, most), gap: false };
      },
      readBack: async (name: 'henry' | 'jjeong', end?: string) => {
        const events = this.#mail[name].filter(({ id }) => end === undefined || compareIds(id, end) < 0);
        return { events: events.toReversed() };
      },
    };
    return readConversation(store as unknown as MailboxStore, henry, jjeong, { limit, before });
  }

  #append(receiver: 'henry' | 'jjeong', change: { type?: (typeof CHANGES)[number]; of?: string } = {}): MailEvent {
    const { ms, seq } = this.#last;
    this.#last = this.#now > ms ? { ms: this.#now, seq: 0 } : { ms, seq: seq + 1 };
    const sender = receiver === 'henry' ? jjeong : henry;
    const key = `key ${(this.#count += 1)}`;
    const emoji = change.type === 'react' ? (['👍', '🎉', ''][this.#count % 3] ?? '') : undefined;
    const message = { sender, receiver: mailboxName(receiver), message: key, key, emoji, ...change };
    const id = `${this.#last.ms}-${this.#last.seq}`;
    const event = { id, time: this.#last.ms, type: change.type, data: messageData(message, this.#now) };
    this.#mail[receiver].push(event);
    if (!change.type) this.#said.push(id);
    return event;
  }

  /** The server lets nobody change what another person wrote, but a program may write such a change. */
  #change(who: 'henry' | 'jjeong' | 'a program', type: (typeof CHANGES)[number], of: string): void {
    if (who === 'a program') return this.#writeForeign({ type, of });
    const receiver = who === 'henry' ? 'jjeong' : 'henry';
    if (type !== 'react' && !this.#mail[receiver].some(({ id, foreign }) => id === of && !foreign)) return;
    const event = this.#append(receiver, { type, of });
    if (who === 'henry') this.#sent.push(event);
  }

  #writeForeign(change?: { type: string; of: string }): void {
    const [own = '0-0', n = '0'] = (this.#mail.henry.at(-1)?.id ?? '0-0').split('.');
    this.#last = { ms: Math.max(this.#now, this.#last.ms + 1), seq: 0 };
    const text = `text ${(this.#count += 1)}`;
    const [mine, time] = [{ sender: 'jjeong', message: text, emoji: '🚀' }, new Date(this.#now).toISOString()];
    const data = change || this.#count % 2 ? JSON.stringify({ ...mine, of: change?.of, time, key: text }) : text;
    const id = `${own}.${Number(n) + 1}`;
    this.#mail.henry.push({ id, time: this.#last.ms, type: change?.type, data, foreign: true });
    if (!change) this.#said.push(id);
  }

  #blank(events: MailEvent[], event: MailEvent, isEdited: boolean): void {
    const block = Buffer.from(`data: ${event.data}`).toString('latin1');
    events[events.indexOf(event)] = { ...event, data: dataOf(ourBlockWithoutText(block, isEdited)) };
  }
}

function isBy(data: string, sender: string, of: string): boolean {
  const change = JSON.parse(data) as { sender: string; of: string; key: string };
  return change.sender === sender && change.of === of && change.key.startsWith('key');
}
