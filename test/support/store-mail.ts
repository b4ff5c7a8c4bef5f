import { randomUUID } from 'node:crypto';
import { mailboxName, type MailboxName } from '../../src/words/mailbox-name.ts';
import type { MailEvent, MailboxStore, Message } from '../../src/words/mailbox-store.ts';

export const henry = mailboxName('henry');
export const jjeong = mailboxName('jjeong');
export const mina = mailboxName('mina');

/** A message from jjeong to henry, unless the fields say otherwise. */
export function letter(message: string, but: Partial<Message> = {}): Message {
  return { sender: jjeong, receiver: henry, message, key: randomUUID(), ...but };
}

/** Appends messages one by one and resolves to their events. */
export async function appendAll(store: MailboxStore, texts: readonly string[]): Promise<MailEvent[]> {
  const events: MailEvent[] = [];
  for (const text of texts) events.push((await store.append(henry, letter(text))).event);
  return events;
}

/** All events after a cursor, in as many reads as it takes; without a cursor, all that are kept. */
export async function readAll(store: MailboxStore, mailbox = henry, after?: string): Promise<MailEvent[]> {
  let cursor = after ?? (await store.ends(mailbox)).oldest;
  const all: MailEvent[] = [];
  for (;;) {
    const { events } = await store.read(mailbox, cursor);
    if (events.length === 0) return all;
    all.push(...events);
    cursor = events.at(-1)!.id;
  }
}

/** The text of one of our messages; the data of any other event. */
export function textOf({ data }: Pick<MailEvent, 'data'>): string {
  return data.startsWith('{"sender"') ? String(JSON.parse(data).message) : data;
}

export function textsOf(events: readonly MailEvent[]): string[] {
  return events.map(textOf);
}

export function numbered(name: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${name} ${i}`);
}

/** Listens to a mailbox like an open stream: watches, reads until nothing is left, waits for a ring. */
export class Listener {
  readonly #store: MailboxStore;
  readonly #mailbox: MailboxName;
  #unwatch: () => void = () => undefined;
  #cursor: string | undefined;
  #rings = 0;
  #onRing: () => void = () => undefined;
  #unread: MailEvent[] = [];

  private constructor(store: MailboxStore, mailbox: MailboxName, after: string | undefined) {
    this.#store = store;
    this.#mailbox = mailbox;
    this.#cursor = after;
  }

  static async open(store: MailboxStore, mailbox = henry, after?: string): Promise<Listener> {
    const listener = new Listener(store, mailbox, after);
    listener.#unwatch = await store.watch(mailbox, () => {
      listener.#rings += 1;
      listener.#onRing();
    });
    return listener;
  }

  get rings(): number {
    return this.#rings;
  }

  async next(): Promise<MailEvent> {
    while (this.#unread.length === 0) {
      const heard = this.#rings;
      const { events } = await this.#store.read(this.#mailbox, this.#cursor);
      this.#unread = [...events];
      this.#cursor = events.at(-1)?.id ?? this.#cursor;
      if (events.length === 0) await this.ring(heard);
    }
    return this.#unread.shift()!;
  }

  async take(count: number): Promise<MailEvent[]> {
    const events: MailEvent[] = [];
    while (events.length < count) events.push(await this.next());
    return events;
  }

  /** Resolves once there have been more than `heard` rings. */
  async ring(heard = this.#rings): Promise<void> {
    while (this.#rings <= heard) await new Promise<void>((resolve) => (this.#onRing = resolve));
  }

  stop(): void {
    this.#unwatch();
  }
}
