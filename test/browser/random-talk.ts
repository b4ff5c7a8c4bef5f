import { execFileSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';
import { Conversation } from '../../public/js/conversation.js';
import { compareIds } from '../../src/files/event-id.ts';
import { readConversation } from '../../src/http/conversation.ts';
import { Changes } from '../../src/words/changes.ts';
import type { MailboxName } from '../../src/words/mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../../src/words/mailbox-store.ts';
import { shownChange, type ShownChange } from '../../src/words/shown-change.ts';
import { shownMail, type ShownMail } from '../../src/words/shown-mail.ts';
import { Random } from '../faults/kit/random.ts';
import { MailboxDirectory } from '../support/store-files.ts';
import { henry, jjeong, readAll } from '../support/store-mail.ts';

/** What a message shows. */
interface Shown {
  readonly message: string;
  readonly edited: boolean;
  readonly removed: boolean;
  readonly reactions: Readonly<Record<string, string>>;
}

/** A message as it should be. It changes in the order of events. */
interface Expected {
  readonly mailbox: MailboxName;
  readonly id: string;
  readonly sender: MailboxName;
  readonly foreign: boolean;
  shown: Shown;
}

export interface TalkOptions {
  readonly seed: number;
  readonly events: number;
  readonly report?: (line: string) => void;
}

interface Change {
  readonly type: 'edit' | 'remove' | 'react';
  readonly of: string;
  readonly message?: string;
  readonly emoji?: string;
}

type View = ReadonlyMap<string, Shown>;

const otherOf = (person: MailboxName): MailboxName => (person === henry ? jjeong : henry);
const keyOf = ({ mailbox, id }: { readonly mailbox: string; readonly id: string }): string => `${mailbox} ${id}`;
const EMOJI = ['👍', '🎉', '❤️', ''];
const REMOVED: Shown = { message: '', edited: false, removed: true, reactions: {} };
/** The number of events between two restarts, and until the next page is opened. */
const EPISODE = 150;

/**
 * Two people talk, and a program writes in their names. Meanwhile, the store is closed and reopened, and more and more pages
 * follow. Resolves to all differences between what should be shown and what the pages, the history and an independent reader
 * of the files show.
 */
export async function talkAtRandom({ seed, events, report = () => {} }: TalkOptions): Promise<string[]> {
  const talk = new Talk(seed);
  try {
    for (let done = 0; done < events; done += 1) {
      if (done % EPISODE === 0) await talk.nextEpisode();
      await talk.step(done);
      if (done % 10_000 === 9999) report(`${done + 1} events`);
    }
    return await talk.complaints();
  } finally {
    await talk.directory.remove();
  }
}

class Talk {
  readonly directory = new MailboxDirectory();
  readonly #random: Random;
  readonly #expected: Expected[] = [];
  readonly #pages: Page[] = [];
  #store: MailboxStore | undefined;

  constructor(seed: number) {
    this.#random = new Random(seed);
  }

  async nextEpisode(): Promise<void> {
    await this.#store?.close();
    const store = this.directory.open({ pieceBytes: 16 * 1024, watch: false });
    this.#store = store;
    for (const page of this.#pages) await page.follow(store);
    if (this.#pages.length < 20) this.#pages.push(await Page.open(this.#random.pick([henry, jjeong]), store));
  }

  async step(n: number): Promise<void> {
    const sender = this.#random.pick([henry, jjeong]);
    const kind = this.#random.pick(['say', 'say', 'say', 'edit', 'edit', 'react', 'react', 'remove'] as const);
    const isForeign = this.#random.next() < 0.15;
    const of = this.#toChange(kind === 'react' || isForeign ? undefined : sender)?.id;
    if (kind === 'say' || of === undefined) await this.#say(sender, `text ${n}`, isForeign);
    else if (kind === 'react')
      await this.#change(sender, { type: kind, of, emoji: this.#random.pick(EMOJI) }, isForeign);
    else if (kind === 'edit') await this.#change(sender, { type: kind, of, message: `text ${n}` }, isForeign);
    else await this.#change(sender, { type: kind, of }, isForeign);
    if (this.#random.next() < 0.05) await this.#random.pick(this.#pages).follow(this.#store!);
  }

  async complaints(): Promise<string[]> {
    const found: string[] = [];
    for (const page of this.#pages) {
      await page.follow(this.#store!);
      found.push(...this.#differences(`the page of ${page.me}`, page.view));
    }
    for (const me of [henry, jjeong]) {
      const limit = this.#random.between(20, 60);
      found.push(...this.#differences(`the history of ${me}`, await historyView(me, limit, this.#store!)));
    }
    await this.#store?.close();
    return [...found, ...this.#differences('the bytes', viewOfBytes(this.directory.path))];
  }

  #differences(what: string, view: View): string[] {
    const wrong = this.#expected.flatMap((one) => {
      const shown = JSON.stringify(view.get(keyOf(one)));
      const due = JSON.stringify(one.shown);
      return shown === due ? [] : [`${what}: ${keyOf(one)} is ${shown}, not ${due}`];
    });
    return view.size === this.#expected.length ? wrong : [...wrong, `${what}: ${view.size} messages`];
  }

  /** A message to change, mostly a recent one. */
  #toChange(sender: MailboxName | undefined): Expected | undefined {
    const theirs = this.#expected.filter((one) => sender === undefined || one.sender === sender);
    const recent = this.#random.next() < 0.8 ? theirs.slice(-20) : theirs;
    return recent.length > 0 ? this.#random.pick(recent) : undefined;
  }

  async #say(sender: MailboxName, message: string, foreign: boolean): Promise<void> {
    const mailbox = otherOf(sender);
    const data = { sender, receiver: mailbox, message, key: message };
    let id: string;
    if (foreign) {
      this.#write(mailbox, 'message', { ...data, time: '' });
      await this.#store!.drain(mailbox);
      id = (await this.#store!.ends(mailbox)).newest;
    } else ({ id } = (await this.#store!.append(mailbox, data)).event);
    this.#expected.push({ mailbox, id, sender, foreign, shown: { ...REMOVED, removed: false, message } });
  }

  async #change(sender: MailboxName, change: Change, foreign: boolean): Promise<void> {
    const mailbox = otherOf(sender);
    const { type, ...fields } = change;
    const key = `change ${this.#random.next()}`;
    if (foreign) this.#write(mailbox, type, { sender, ...fields });
    else await this.#store!.append(mailbox, { sender, receiver: mailbox, message: '', key, ...change });
    for (const one of this.#expected.filter(({ id }) => id === change.of)) {
      if (type === 'react' || (one.sender === sender && (one.foreign || !foreign)))
        one.shown = after(change, sender, one);
    }
  }

  #write(mailbox: MailboxName, type: string, fields: object): void {
    appendFileSync(this.directory.file(mailbox), `event: ${type}\ndata: ${JSON.stringify(fields)}\n\n`);
  }
}

function after({ type, message = '', emoji = '' }: Change, sender: MailboxName, { shown }: Expected): Shown {
  if (shown.removed || type === 'remove') return REMOVED;
  if (type === 'edit') return { ...shown, message, edited: true };
  const { [sender]: _, ...others } = shown.reactions;
  return { ...shown, reactions: sorted(emoji === '' ? others : { ...others, [sender]: emoji }) };
}

/** A page that reads the history once, and follows both mailboxes from there on. */
class Page {
  readonly me: MailboxName;
  readonly #conversation: Conversation;
  readonly #cursors = new Map<MailboxName, string>();

  private constructor(me: MailboxName) {
    this.me = me;
    this.#conversation = new Conversation(me, me);
  }

  static async open(me: MailboxName, store: MailboxStore): Promise<Page> {
    const page = new Page(me);
    for (const mailbox of [henry, jjeong]) page.#cursors.set(mailbox, (await store.ends(mailbox)).newest);
    for await (const { messages, changes = [] } of historyPages(me, 30, store)) {
      page.#conversation.merge([...messages]);
      page.#conversation.change(onTheWire(changes));
    }
    return page;
  }

  async follow(store: MailboxStore): Promise<void> {
    for (const [mailbox, cursor] of this.#cursors) {
      await store.drain(mailbox);
      const events = await readAll(store, mailbox, cursor);
      this.#cursors.set(mailbox, events.at(-1)?.id ?? cursor);
      const changes = events.flatMap((event) => shownChange(mailbox, event) ?? []);
      const messages = events.filter((event) => !shownChange(mailbox, event));
      this.#conversation.change(onTheWire(changes));
      this.#conversation.merge(messages.map((event) => shownMail(mailbox, event)));
    }
  }

  get view(): View {
    return new Map(
      this.#conversation.messages.map((one) => {
        const { message, isEdited: edited, isRemoved: removed, reactions } = one;
        return [keyOf(one), { message, edited, removed, reactions: sorted(reactions) }];
      }),
    );
  }
}

function onTheWire(changes: readonly ShownChange[]): MessageChange[] {
  return JSON.parse(JSON.stringify(changes)) as MessageChange[];
}

async function* historyPages(me: MailboxName, limit: number, store: MailboxStore) {
  let before: string | undefined;
  do {
    const page = await readConversation(store, me, otherOf(me), { limit, before });
    yield page;
    before = page.before ?? undefined;
  } while (before !== undefined);
}

/** The history as a client reads it: newest page first, with the changes of newer pages applied to older ones. */
async function historyView(me: MailboxName, limit: number, store: MailboxStore): Promise<View> {
  const known = new Changes(store);
  const view = new Map<string, Shown>();
  for await (const { messages, changes = [] } of historyPages(me, limit, store)) {
    for (const change of changes) known.add(change);
    // The server does not know of the changes on newer pages.
    for (const { edited: _, removed: __, reactions: ___, ...message } of messages)
      view.set(keyOf(message), shownBy(known, message));
  }
  return view;
}

/** What an independent reader finds in the files. */
function viewOfBytes(dir: string): View {
  const known = new Changes({ compare: compareIds });
  const messages: ShownMail[] = [];
  for (const mailbox of [henry, jjeong]) {
    const args = ['examples/mail/read-log.mjs', dir, mailbox];
    const lines = execFileSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 2 ** 30 })
      .trim()
      .split('\n');
    for (const line of lines) {
      const read = JSON.parse(line) as Pick<MailEvent, 'id' | 'type' | 'data'>;
      const event = { ...read, time: 0, ...(read.id.includes('.') && { foreign: true as const }) };
      const change = shownChange(mailbox, event);
      if (change) known.add(change);
      else messages.push(shownMail(mailbox, event));
    }
  }
  return new Map(messages.map((message) => [keyOf(message), shownBy(known, message)]));
}

function shownBy(changes: Changes, mail: ShownMail): Shown {
  const { message, edited = false, removed = false, reactions = {} } = changes.fold(mail);
  return { message, edited, removed, reactions: sorted(reactions) };
}

function sorted(reactions: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(reactions).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
