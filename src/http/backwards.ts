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

/** Reads one mailbox, newest first, and passes over what does not belong to the conversation. */
export class Backwards {
  readonly #store: MailboxStore;
  readonly #mailbox: MailboxName;
  readonly #from: MailboxName;
  readonly #belongs: (item: Item) => boolean;
  #found: { readonly position: Position; readonly item: Item }[] = [];
  #more: string | undefined;
  #pages = 0;
  #upTo: string | undefined;
  #marks: Readonly<Record<string, string>> | undefined;
  readonly #search: SearchText | undefined;
  #searchedMs = 0;
  /** This side's part of the token for the next page. */
  before: string;

  constructor(store: MailboxStore, { mailbox, from, belongs, before, search }: Side) {
    this.#store = store;
    this.#mailbox = mailbox;
    this.#from = from;
    this.#belongs = belongs;
    this.#search = search;
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

  /** Whether a search can tell that its next item is newer than all that a tired side has yet to read. */
  isKnownAfter({ before }: Backwards): boolean {
    return this.#search !== undefined && this.#store.compare(this.#found[0]!.position.id, before) >= 0;
  }

  async peek(): Promise<boolean> {
    while (this.#found.length === 0 && this.#more !== undefined && this.#mayReadOn) await this.#readPage();
    return this.#found.length > 0;
  }

  get #mayReadOn(): boolean {
    return this.#search ? this.#searchedMs < SEARCH_MS : this.#pages < MAX_PAGES;
  }

  take(): Item {
    const { item } = this.#found.shift()!;
    this.#searchedMs = Math.max(this.#searchedMs, SEARCH_MS - SEARCH_ON_MS);
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
    const { events, more } = await this.#readBack();
    this.#found = events
      .filter(({ id }) => this.#upTo === undefined || this.#store.compare(id, this.#upTo) <= 0)
      .map((event) => {
        const position = { mailbox: this.#mailbox, id: event.id, time: event.time };
        return { position, item: shownChange(this.#mailbox, event) ?? this.#message(event) };
      })
      .filter(({ item }) => this.#belongs(item) && (isChange(item) || this.#search?.isIn(item.message) !== false));
    this.#more = more;
    const [next] = this.#found;
    this.before = next ? UP_TO + next.position.id : (more ?? END);
  }

  async #readBack(): Promise<BackPage> {
    const search = this.#search;
    const before = this.#more === '' ? undefined : this.#more;
    if (!search) return this.#store.readBack(this.#mailbox, before, READ_LIMIT);
    const beganMs = performance.now() - this.#searchedMs;
    const msSoFar = (): number => performance.now() - beganMs;
    // When the time is over, it reads what comes next, whatever that is: its id tells where to continue.
    const isWanted: IsWanted = (bytes) => msSoFar() >= SEARCH_MS || search.mayBeIn(bytes);
    const page = await this.#store.readBack(this.#mailbox, before, SEARCH_LIMIT, isWanted);
    this.#searchedMs = msSoFar();
    return page;
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
