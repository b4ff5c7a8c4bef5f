import { isRoom, personName, type MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import { sendJson } from './answer.ts';
import { isMessage, type HistoryMessage, type Item } from './backwards.ts';
import type { Chat } from './chat.ts';
import { changesIn, readItems, tokenUpTo } from './conversation.ts';
import { admitReader } from './history.ts';
import type { Handler } from './request.ts';
import { SearchText } from './search-text.ts';

const LIMIT = 20;
/** How many events stand below a found message on the page of history around it. */
const BELOW = 25;

interface Found {
  /** Newest first. */
  readonly messages: readonly (HistoryMessage & { readonly around: string })[];
  readonly before: string | null;
}

/** `GET /search?receiver=me&sender=other&text=`: the messages of their history that contain a text. */
export function getSearch(chat: Chat): Handler {
  return async (req, res) => {
    const { query, me } = admitReader(req, chat);
    const other = isRoom(me) ? me : personName(query['sender']);
    const search = new SearchText(query['text']);

    sendJson(res, 200, await searchConversation(chat.store, me, other, search, query['before']));
  };
}

async function searchConversation(
  store: MailboxStore,
  me: MailboxName,
  other: MailboxName,
  search: SearchText,
  before: string | undefined,
): Promise<Found> {
  const page = await readItems(store, me, other, { limit: LIMIT, before, search });
  const changes = changesIn(page.items, store);
  const found = new Map<string, Found['messages'][number]>();
  for (const item of page.items.toReversed()) {
    if (!search.isIn(item.message ?? '')) continue;
    const message = isMessage(item) ? item : await messageWith(item.of);
    if (!message) continue;
    const changed = changes.fold(message);
    if (!search.isIn(changed.message)) continue;
    found.set(`${message.mailbox} ${message.id}`, { ...changed, around: await tokenAround(message.id) });
  }
  return { messages: [...found.values()], before: page.before };

  /** The message that an edit has changed. */
  async function messageWith(id: string): Promise<HistoryMessage | undefined> {
    const { items } = await readItems(store, me, other, { limit: 1, before: tokenUpTo(id) });
    return items.find((item: Item): item is HistoryMessage => isMessage(item) && item.id === id);
  }

  /** The token of a page of history that ends some events below a message. */
  async function tokenAround(id: string): Promise<string> {
    const below: string[] = [];
    for (const mailbox of new Set([me, other])) {
      const { events } = await store.read(mailbox, id, BELOW);
      below.push(...events.map((event) => event.id));
    }
    const sorted = below.toSorted((a, b) => store.compare(a, b));
    return tokenUpTo(sorted[BELOW - 1] ?? sorted.at(-1) ?? id);
  }
}
