import { MailboxError } from '../words/mailbox-error.ts';
import { isRoom, type MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../words/mailbox-store.ts';
import { Changes, type Changed } from '../words/changes.ts';
import { shownChange, type ShownChange } from '../words/shown-change.ts';
import { shownMail, type ShownMail } from '../words/shown-mail.ts';

export interface HistoryMessage extends ShownMail, Changed {
  readonly state: 'sent' | 'delivered' | 'read';
}

type Item = HistoryMessage | ShownChange;

export interface Page {
  /** Oldest first. */
  readonly messages: readonly HistoryMessage[];
  /** The changes made in the time of this page, oldest first, for messages on older pages, too. Left out if there are none. */
  readonly changes?: readonly ShownChange[];
  /** The token of the page before this one; null at the beginning of the conversation. */
  readonly before: string | null;
  /** The newest id of the reader's mailbox when the page was read: a stream can go on from there. */
  readonly cursor: string;
}

/** How many events one read of the store asks for. */
const READ_LIMIT = 500;
const MAX_PAGES = 4;
/** A page ends early once it holds so much text, in UTF-16 units. A change has no limit of its own, and counts as so much more. */
const MAX_TEXT = 1_000_000;
const CHANGE_TEXT = 200;

/** In a token: this mailbox holds nothing older. */
const END = '-';

/** In a token, before an id: this event itself is still to be shown on the next page, and nothing newer is. */
const UP_TO = '=';

/**
 * The newest messages, at most `limit`, that `me` and `other` sent each other, and foreign mail to `me`; of a room, all
 * messages. It may give fewer together with a `before`: ask again with that. INVALID_CURSOR when `before` is no token of
 * an earlier page.
 */
export async function readConversation(
  store: MailboxStore,
  me: MailboxName,
  other: MailboxName,
  { limit, before }: { readonly limit: number; readonly before: string | undefined },
): Promise<Page> {
  const token = readToken(before, store);
  const sides = isRoom(me)
    ? [new Backwards(store, me, me, () => true, token[0])]
    : conversation(store, me, other, token);

  await store.drain(me); // it is the reader's own mailbox
  const { newest } = await store.ends(me);
  const items = (await newestOf(sides, limit)).toReversed();
  const changes = items.filter(isChange);
  const known = new Changes((a, b) => store.compare(a, b));
  for (const change of changes) known.add(change);
  const messages = items.filter(isMessage).map((message) => known.fold(message));

  const isOver = sides.every((side) => side.before === END);
  const more = isOver ? null : `${sides[0]!.before}~${sides[1]?.before ?? END}`;
  return { messages, ...(changes.length > 0 && { changes }), before: more, cursor: newest };
}

function conversation(store: MailboxStore, me: MailboxName, other: MailboxName, before: [string, string]): Backwards[] {
  const toMe = (item: Item): boolean => item.sender === null || item.sender === other;
  const mine = new Backwards(store, me, other, toMe, before[0]);
  if (me === other) return [mine];
  return [mine, new Backwards(store, other, me, ({ sender }) => sender === me, before[1])];
}

/** The place of an event among those of several mailboxes. */
export interface Position extends Pick<MailEvent, 'time' | 'id'> {
  readonly mailbox: MailboxName;
}

/**
 * Negative when `a` comes before `b`. It compares the times of the events. The time inside a message goes back when the
 * clock does: an answer would come before what it answers.
 */
export function comparePositions(a: Position, b: Position, store: MailboxStore): number {
  return a.time - b.time || store.compare(a.id, b.id) || (a.mailbox < b.mailbox ? -1 : 1);
}

/** Merges the sides, newest first. */
async function newestOf(sides: readonly Backwards[], limit: number): Promise<Item[]> {
  const items: Item[] = [];
  let count = 0;
  let text = 0;
  while (count < limit && text < MAX_TEXT) {
    let newest: Backwards | undefined;
    for (const side of sides) {
      if (!(await side.peek())) continue;
      if (!newest || side.isAfter(newest)) newest = side;
    }
    if (!newest || sides.some((side) => side.isTired)) break;
    const item = newest.take();
    items.push(item);
    text += item.message?.length ?? 0;
    if (isChange(item)) text += CHANGE_TEXT;
    else count += 1;
  }
  return items;
}

function isChange(item: Item): item is ShownChange {
  return 'of' in item;
}

function isMessage(item: Item): item is HistoryMessage {
  return !isChange(item);
}

/** Reads one mailbox, newest first, and passes over what does not belong to the conversation. */
class Backwards {
  readonly #store: MailboxStore;
  readonly #mailbox: MailboxName;
  /** Mail without a sender is read with theirs. */
  readonly #from: MailboxName;
  readonly #belongs: (item: Item) => boolean;
  #found: { readonly position: Position; readonly item: Item }[] = [];
  #more: string | undefined;
  #pages = 0;
  #upTo: string | undefined;
  #marks: Readonly<Record<string, string>> | undefined;
  /** This side's part of the token for the next page. */
  before: string;

  constructor(
    store: MailboxStore,
    mailbox: MailboxName,
    from: MailboxName,
    belongs: (item: Item) => boolean,
    before: string,
  ) {
    this.#store = store;
    this.#mailbox = mailbox;
    this.#from = from;
    this.#belongs = belongs;
    this.before = before;
    this.#more = before === END ? undefined : before;
    if (before.startsWith(UP_TO)) {
      this.#upTo = before.slice(UP_TO.length);
      this.#more = '';
    }
  }

  /** Whether its next message is newer than the other's. Both must have one. */
  isAfter(other: Backwards): boolean {
    return comparePositions(this.#found[0]!.position, other.#found[0]!.position, this.#store) > 0;
  }

  /** Whether it read as much as one request may, and found nothing: the client should ask again. */
  get isTired(): boolean {
    return this.#found.length === 0 && this.#more !== undefined;
  }

  async peek(): Promise<boolean> {
    while (this.#found.length === 0 && this.#more !== undefined && this.#pages < MAX_PAGES) await this.#readPage();
    return this.#found.length > 0;
  }

  take(): Item {
    const { item } = this.#found.shift()!;
    this.before = this.#found.length > 0 || this.#more !== undefined ? item.id : END;
    return item;
  }

  async #readPage(): Promise<void> {
    this.#pages += 1;
    this.#marks ??= await this.#store.marks(this.#mailbox);
    if (this.#more === '' && this.#upTo !== undefined) this.#more = await this.#above(this.#upTo);
    if (this.#more === undefined) {
      this.before = END;
      return;
    }
    const { events, more } = await this.#store.readBack(
      this.#mailbox,
      this.#more === '' ? undefined : this.#more,
      READ_LIMIT,
    );
    this.#found = events
      .filter(({ id }) => this.#upTo === undefined || this.#store.compare(id, this.#upTo) <= 0)
      .map((event) => {
        const position = { mailbox: this.#mailbox, id: event.id, time: event.time };
        return { position, item: shownChange(this.#mailbox, event) ?? this.#message(event) };
      })
      .filter(({ item }) => this.#belongs(item));
    this.#more = more;
    const [next] = this.#found;
    this.before = next ? UP_TO + next.position.id : (more ?? END);
  }

  /** The id of the event that follows `id`: reading back from there begins with `id`. Undefined if all that is kept is newer. */
  async #above(id: string): Promise<string | undefined> {
    const { events, gap } = await this.#store.read(this.#mailbox, id, 1);
    return gap ? undefined : (events[0]?.id ?? '');
  }

  #message(event: MailEvent): HistoryMessage {
    const mail = shownMail(this.#mailbox, event);
    return { ...mail, state: this.#stateOf(mail) };
  }

  #stateOf({ id, sender }: ShownMail): HistoryMessage['state'] {
    if (this.#isPast(id, `read:${sender ?? this.#from}`)) return 'read';
    return this.#isPast(id, 'delivered') ? 'delivered' : 'sent';
  }

  #isPast(id: string, name: string): boolean {
    const mark = this.#marks?.[name];
    return mark !== undefined && this.#store.compare(id, mark) <= 0;
  }
}

function readToken(token: string | undefined, store: MailboxStore): [string, string] {
  if (token === undefined) return ['', ''];
  const [mine = '', theirs = '', ...rest] = token.split('~');
  const isPart = (part: string): boolean =>
    part === '' || part === END || store.isId(part.startsWith(UP_TO) ? part.slice(UP_TO.length) : part);
  if (rest.length > 0 || !isPart(mine) || !isPart(theirs)) {
    throw new MailboxError(
      'INVALID_CURSOR',
      '"before" must be the token of an earlier answer. For the newest messages, leave it out.',
    );
  }
  return [mine, theirs];
}
