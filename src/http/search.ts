import { isRoom, personName, type MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import type { ShownChange } from '../words/shown-change.ts';
import { sendJson } from './answer.ts';
import { isMessage, withState, type HistoryMessage } from './backwards.ts';
import type { Chat } from './chat.ts';
import { mailWith } from './check-references.ts';
import { changesIn, readItems, tokenAround } from './conversation.ts';
import { admitReader } from './history.ts';
import type { Handler } from './request.ts';
import { SearchText } from './search-text.ts';

const LIMIT = 20;

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
    const message = isMessage(item) ? item : await changedBy(item, store);
    if (!message) continue;
    const changed = changes.fold(message);
    if (!search.isIn(changed.message)) continue;
    found.set(`${message.mailbox} ${message.id}`, { ...changed, around: tokenAround(message.id) });
  }
  return { messages: [...found.values()], before: page.before };
}

/** The message that an edit has changed. Both are in one mailbox, and by one person. */
async function changedBy(
  { mailbox, of, sender }: ShownChange,
  store: MailboxStore,
): Promise<HistoryMessage | undefined> {
  const mail = await mailWith(of, mailbox, store);
  return mail?.sender === sender ? withState(mail, await store.marks(mailbox), sender, store) : undefined;
}
