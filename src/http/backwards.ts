import type { MailboxName } from '../words/mailbox-name.ts';
import type { BackPage, IsWanted, MailboxStore, MailEvent } from '../words/mailbox-store.ts';
import type { Changed } from '../words/changes.ts';
import { shownChange, type ShownChange } from '../words/shown-change.ts';
import { shownMail, type ShownMail } from '../words/shown-mail.ts';
import type { SearchText } from './search-text.ts';

/** How many events one read of the store asks for. */
const READ_LIMIT = 500;
const SEARCH_LIMIT = 1000;
const MAX_PAGES = 4;
/** How long one request searches each mailbox. */
const SEARCH_MS = 100;
/** How long it searches on when it has found something: whoever searches should see that at once. */
const SEARCH_ON_MS = 30;

/** In a token: this mailbox holds nothing older. */
export const END = '-';

/** In a token, before an id: this event itself is still to be shown on the next page, and nothing newer is. */
export const UP_TO = '=';

export interface HistoryMessage extends ShownMail, Changed {
  readonly state: 'sent' | 'delivered' | 'read';
}

/** What a conversation consists of. */
export type Item = HistoryMessage | ShownChange;

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

export function isChange(item: Item): item is ShownChange {
  return 'of' in item;
}

export function isMessage(item: Item): item is HistoryMessage {
  return !isChange(item);
}

/** Which mail of a mailbox is read. */
export interface Side {
  readonly mailbox: MailboxName;
  /** Mail without a sender is read with theirs. */
  readonly from: MailboxName;
  readonly belongs: (item: Item) => boolean;
  /** This side's part of a token. */
  readonly before: string;
  /** Only messages with this text, and all changes near them. */
  readonly search?: SearchText | undefined;
}

/** An item and its place among those of several mailboxes. */
interface Placed {
  readonly position: Position;
  readonly item: Item;
}

/** Reads one mailbox, newest first, and passes over what does not belong to the conversation. */
export class Backwards {
  readonly #store: MailboxStore;
  readonly #side: Side;
  /** What was read. Each event is parsed when its turn comes: of a page, few may be asked for. */
  #read: Iterator<Placed, undefined> = ([] as Placed[]).values();
  #next: Placed | undefined;
  #more: string | undefined;
  #pages = 0;
  readonly #upTo: string | undefined;
  #marks: Readonly<Record<string, string>> = {};
  #searchedMs = 0;
  /** This side's part of the token for the next page. */
  before: string;

  constructor(store: MailboxStore, side: Side) {
    this.#store = store;
    this.#side = side;
    this.before = side.before;
    this.#upTo = this.before.startsWith(UP_TO) ? this.before.slice(UP_TO.length) : undefined;
    if (this.before !== END) this.#more = this.#upTo === undefined ? this.before : '';
  }

  /** Whether its next message is newer than the other's. Both must have one. */
  isAfter(other: Backwards): boolean {
    return comparePositions(this.#next!.position, other.#next!.position, this.#store) > 0;
  }

  /** Whether it read as much as one request may, and found nothing: the client should ask again. */
  get isTired(): boolean {
    return this.#next === undefined && this.#more !== undefined;
  }

  /** Whether a search can tell that its next item is newer than all that a tired side has yet to read. */
  isKnownAfter({ before }: Backwards): boolean {
    return this.#side.search !== undefined && this.#store.compare(this.#next!.position.id, before) >= 0;
  }

  async peek(): Promise<boolean> {
    while (this.#next === undefined && this.#more !== undefined && this.#mayReadOn) await this.#readPage();
    return this.#next !== undefined;
  }

  get #mayReadOn(): boolean {
    return this.#side.search ? this.#searchedMs < SEARCH_MS : this.#pages < MAX_PAGES;
  }

  take(): Item {
    const { item } = this.#next!;
    this.#searchedMs = Math.max(this.#searchedMs, SEARCH_MS - SEARCH_ON_MS);
    this.#next = this.#read.next().value;
    this.before = this.#next !== undefined || this.#more !== undefined ? item.id : END;
    return item;
  }

  async #readPage(): Promise<void> {
    if (this.#pages === 0) this.#marks = await this.#store.marks(this.#side.mailbox);
    this.#pages += 1;
    if (this.#more === '' && this.#upTo !== undefined) this.#more = await this.#above(this.#upTo);
    if (this.#more === undefined) {
      this.before = END;
      return;
    }
    const { events, more } = await this.#readBack(this.#more === '' ? undefined : this.#more);
    this.#read = this.#items(events);
    this.#next = this.#read.next().value;
    this.#more = more;
    this.before = this.#next ? UP_TO + this.#next.position.id : (more ?? END);
  }

  async #readBack(before: string | undefined): Promise<BackPage> {
    const { mailbox, search } = this.#side;
    if (!search) return this.#store.readBack(mailbox, before, READ_LIMIT);
    const beganMs = performance.now() - this.#searchedMs;
    const msSoFar = (): number => performance.now() - beganMs;
    // When the time is over, it reads what comes next, whatever that is: its id tells where to continue.
    const isWanted: IsWanted = (bytes) => msSoFar() >= SEARCH_MS || search.mayBeIn(bytes);
    const page = await this.#store.readBack(mailbox, before, SEARCH_LIMIT, isWanted);
    this.#searchedMs = msSoFar();
    return page;
  }

  *#items(events: readonly MailEvent[]): Generator<Placed, undefined> {
    const { mailbox, from, belongs, search } = this.#side;
    for (const event of events) {
      const { id, time, type, data } = event;
      if (this.#upTo !== undefined && this.#store.compare(id, this.#upTo) > 0) continue;
      if (search && type === undefined && !search.mayBeInData(data)) continue; // to parse it would take much longer
      const item = shownChange(mailbox, event) ?? withState(shownMail(mailbox, event), this.#marks, from, this.#store);
      if (!belongs(item) || (search && isMessage(item) && !search.isIn(item.message))) continue;
      yield { position: { mailbox, id, time }, item };
    }
    return undefined;
  }

  /** The id of the event that follows `id`: reading back from there begins with `id`. Undefined if all that is kept is newer. */
  async #above(id: string): Promise<string | undefined> {
    const { events, gap } = await this.#store.read(this.#side.mailbox, id, 1);
    return gap ? undefined : (events[0]?.id ?? '');
  }
}

/** A message with what the marks of its mailbox say of it. Foreign text counts as read when `from` was read. */
export function withState(
  mail: ShownMail,
  marks: Readonly<Record<string, string>>,
  from: MailboxName,
  ids: Pick<MailboxStore, 'compare'>,
): HistoryMessage {
  const isUpTo = (mark: string | undefined): boolean => mark !== undefined && ids.compare(mail.id, mark) <= 0;
  const isRead = isUpTo(marks[`read:${mail.sender ?? from}`]);
  return { ...mail, state: isRead ? 'read' : isUpTo(marks['delivered']) ? 'delivered' : 'sent' };
}
