import { changeOf } from '../words/change-data.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../words/mailbox-store.ts';
import { Changes } from '../words/changes.ts';
import { shownChange, type ShownChange } from '../words/shown-change.ts';
import { shownMail, type ShownMail } from '../words/shown-mail.ts';
import type { Position } from './backwards.ts';

/** A message, its place among others, and its changes. */
export interface Said {
  readonly position: Position;
  readonly mail: ShownMail;
  readonly changes: Changes;
}

interface Correspondent {
  readonly last: Said;
  /** Unread messages that were not removed, oldest first: by id, whether another program wrote them. */
  readonly unread: Map<string, boolean>;
}

interface Entry {
  known?: Known;
  /** The read that is under way. Two at once would count new messages twice. */
  reading: Promise<unknown>;
}

interface Known {
  readonly upTo: string;
  /** In the order of their last messages. */
  readonly people: Map<MailboxName, Correspondent>;
}

const MAX_MAILBOXES = 200;
const MAX_PEOPLE = 200;
const MAX_UNREAD = 2000;
export const MAX_TEXT = 4000;
/** How far back the first read of a mailbox goes: so many events, or pages of 1 MiB. */
const MAX_EVENTS = 20_000;
const MAX_PAGES = 32;
const PAGE = 1000;

/**
 * Who wrote to a mailbox, with the last message and the unread ones of each. It reads a mailbox once, and after that only
 * what is new: so nobody drops out of the list when many messages of others come.
 */
export class Correspondents {
  readonly #store: MailboxStore;
  /** The mailbox that was asked for last comes last. */
  readonly #entries = new Map<MailboxName, Entry>();

  constructor(store: MailboxStore) {
    this.#store = store;
  }

  async of(me: MailboxName): Promise<ReadonlyMap<MailboxName, Correspondent>> {
    const entry = this.#entries.get(me) ?? { reading: Promise.resolve() };
    this.#entries.delete(me);
    this.#entries.set(me, entry);
    for (const name of this.#entries.keys()) if (this.#entries.size > MAX_MAILBOXES) this.#entries.delete(name);
    const reading = entry.reading.then(async () => (entry.known = await this.#read(me, entry.known)));
    entry.reading = reading.catch(() => undefined); // our caller gets the error
    return (await reading).people;
  }

  async #read(me: MailboxName, known: Known | undefined): Promise<Known> {
    const { upTo, people } = (known && (await this.#readOn(me, known))) ?? (await this.#readBack(me));
    const { oldest } = await this.#store.ends(me);
    const marks = await this.#store.marks(me);
    for (const [name, { last, unread }] of people) {
      if (people.size > MAX_PEOPLE || this.#store.compare(last.position.id, oldest) <= 0) people.delete(name);
      const read = marks[`read:${name}`] ?? oldest;
      for (const id of unread.keys()) {
        if (unread.size <= MAX_UNREAD && this.#store.compare(id, read) > 0 && this.#store.compare(id, oldest) > 0)
          break;
        unread.delete(id);
      }
    }
    return { upTo, people };
  }

  /**
   * Undefined if some of what came in between is no longer kept. If reading fails, the next call reads the same events again,
   * which changes nothing.
   */
  async #readOn(me: MailboxName, { upTo, people }: Known): Promise<Known | undefined> {
    let cursor = upTo;
    for (;;) {
      const { events, gap } = await this.#store.read(me, cursor);
      if (gap) return undefined;
      for (const event of events) this.#add(people, me, event);
      if (events.length === 0) return { upTo: cursor, people };
      cursor = events.at(-1)!.id;
    }
  }

  async #readBack(me: MailboxName): Promise<Known> {
    const { newest } = await this.#store.ends(me);
    let upTo: string | undefined;
    let before: string | undefined;
    let count = 0;
    const early: ShownChange[] = [];
    const found = new Map<MailboxName, { last: Said; unread: [id: string, viaFile: boolean][] }>(); // the newest first
    for (let page = 0; page < MAX_PAGES && count < MAX_EVENTS; page += 1) {
      const { events, more } = await this.#store.readBack(me, before, PAGE);
      upTo ??= events[0]?.id;
      count += events.length;
      for (const event of events) {
        const change = shownChange(me, event);
        if (change) early.push(change);
        const said = saidIn(me, event, this.#store);
        const name = said?.mail.sender;
        if (!name || name === me) continue;
        if (!found.has(name)) found.set(name, { last: said, unread: [] });
        found.get(name)!.unread.push([event.id, isViaFile(said)]);
      }
      if (more === undefined) break;
      before = more;
    }
    const people: Known['people'] = new Map();
    for (const [name, { last, unread }] of [...found].toReversed())
      people.set(name, { last, unread: new Map(unread.toReversed()) });
    for (const change of early) keep(people, change);
    return { upTo: upTo ?? newest, people };
  }

  #add(people: Known['people'], me: MailboxName, event: MailEvent): void {
    const change = shownChange(me, event);
    if (change) return keep(people, change);
    const said = saidIn(me, event, this.#store);
    const name = said?.mail.sender;
    if (!name || name === me) return;
    const { unread = new Map<string, boolean>() } = people.get(name) ?? {};
    unread.set(said.position.id, isViaFile(said));
    people.delete(name);
    people.set(name, { last: said, unread });
  }
}

/** Keeps a change of somebody's last message: the others will not be shown. A message that was removed is not unread. */
function keep(people: Known['people'], change: ShownChange): void {
  const { last, unread } = people.get(change.sender) ?? {};
  if (last?.mail.id === change.of) last.changes.add(change);
  if (change.event === 'remove' && (!change.viaFile || unread?.get(change.of))) unread?.delete(change.of);
}

function isViaFile({ mail }: Said): boolean {
  return mail.viaFile === true;
}

/** The message in an event. Undefined if it has no sender, or is a change. */
export function saidIn(mailbox: MailboxName, event: MailEvent, store: MailboxStore): Said | undefined {
  const mail = shownMail(mailbox, event);
  if (mail.sender === null || changeOf(event)) return undefined;
  return {
    position: { mailbox, id: event.id, time: event.time },
    mail: { ...mail, message: mail.message.slice(0, MAX_TEXT) },
    changes: new Changes(store),
  };
}
