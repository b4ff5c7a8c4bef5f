import { Changes } from '../words/changes.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { isRoom, type MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import type { ShownChange } from '../words/shown-change.ts';
import { Backwards, END, UP_TO, isChange, isMessage, type HistoryMessage, type Item } from './backwards.ts';
import type { SearchText } from './search-text.ts';

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

/** A page ends early once it holds so much text, in UTF-16 units. A change has no limit of its own, and counts as so much more. */
const MAX_TEXT = 1_000_000;
const CHANGE_TEXT = 200;

/** In a token, before an id: the page ends some events below that one. */
const AROUND = '@';
const BELOW = 25;

/** Which part of a conversation is asked for. */
export interface Asked {
  readonly limit: number;
  readonly before: string | undefined;
  readonly search?: SearchText;
}

/**
 * The newest messages, at most `limit`, that `me` and `other` sent each other, and foreign mail to `me`; of a room, all
 * messages. It may give fewer together with a `before`: ask again with that. INVALID_CURSOR when `before` is no token of
 * an earlier page.
 */
export async function readConversation(
  store: MailboxStore,
  me: MailboxName,
  other: MailboxName,
  asked: Asked,
): Promise<Page> {
  const { items, before, cursor } = await readItems(store, me, other, asked);
  const changes = items.filter(isChange);
  const known = changesIn(items, store);
  const messages = items.filter(isMessage).map((message) => known.fold(message));
  return { messages, ...(changes.length > 0 && { changes }), before, cursor };
}

export function changesIn(items: readonly Item[], store: MailboxStore): Changes {
  const changes = new Changes(store);
  for (const item of items) if (isChange(item)) changes.add(item);
  return changes;
}

/** The same without folding the changes into the messages: both, oldest first. */
export async function readItems(
  store: MailboxStore,
  me: MailboxName,
  other: MailboxName,
  { limit, before, search }: Asked,
): Promise<{ items: Item[] } & Pick<Page, 'before' | 'cursor'>> {
  const [mine, theirs] = await readToken(before, new Set([me, other]), store);
  await store.drain(me); // it is the reader's own mailbox
  const { newest } = await store.ends(me);
  const toMe = (item: Item): boolean => isRoom(me) || item.sender === null || item.sender === other;
  const sides = [new Backwards(store, { mailbox: me, from: other, belongs: toMe, before: mine, search })];
  if (me !== other) {
    const fromMe = ({ sender }: Item): boolean => sender === me;
    sides.push(new Backwards(store, { mailbox: other, from: me, belongs: fromMe, before: theirs, search }));
  }
  const items = await newestOf(sides, limit, search);

  const isOver = sides.every((side) => side.before === END);
  const more = isOver ? null : `${sides[0]!.before}~${sides[1]?.before ?? END}`;
  return { items: items.toReversed(), before: more, cursor: newest };
}

/** The token of a page that ends some events below this one. */
export function tokenAround(id: string): string {
  return AROUND + id;
}

/** Merges the sides, newest first. */
async function newestOf(sides: readonly Backwards[], limit: number, search?: SearchText): Promise<Item[]> {
  const items: Item[] = [];
  let count = 0;
  let text = 0;
  while (count < limit && text < MAX_TEXT) {
    let newest: Backwards | undefined;
    for (const side of sides) {
      if (!(await side.peek())) continue;
      if (!newest || side.isAfter(newest)) newest = side;
    }
    if (!newest || sides.some((side) => side.isTired && !newest.isKnownAfter(side))) break;
    const item = newest.take();
    items.push(item);
    text += item.message?.length ?? 0;
    if (isChange(item)) text += CHANGE_TEXT;
    if (isMessage(item) || search?.isIn(item.message ?? '')) count += 1;
  }
  return items;
}

async function readToken(
  token: string | undefined,
  mailboxes: Iterable<MailboxName>,
  store: MailboxStore,
): Promise<[string, string]> {
  if (token === undefined) return ['', ''];
  if (token.startsWith(AROUND) && store.isId(token.slice(AROUND.length))) {
    const last = UP_TO + (await idBelow(token.slice(AROUND.length), mailboxes, store));
    return [last, last];
  }
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

/** The id of the event that stands `BELOW` events below this one, or of the newest. */
async function idBelow(id: string, mailboxes: Iterable<MailboxName>, store: MailboxStore): Promise<string> {
  const below: string[] = [];
  for (const mailbox of mailboxes) {
    const { events } = await store.read(mailbox, id, BELOW);
    below.push(...events.map((event) => event.id));
  }
  const sorted = below.toSorted((a, b) => store.compare(a, b));
  return sorted[BELOW - 1] ?? sorted.at(-1) ?? id;
}
