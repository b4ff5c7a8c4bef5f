import type { IncomingMessage } from 'node:http';
import { admit, admitAnyone, callerOf } from '../access/caller.ts';
import { readConversation } from './conversation.ts';
import { isRoom, mailboxName, personName, type MailboxName } from '../words/mailbox-name.ts';
import { sendJson } from './answer.ts';
import type { Chat } from './chat.ts';
import { queryOf, wholeNumber, type Fields, type Handler } from './request.ts';

const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 50;

/**
 * `GET /history?receiver=me&sender=other`: what they sent each other, and foreign mail to `me`; of a room, all of it.
 */
export function getHistory(chat: Chat): Handler {
  return async (req, res) => {
    const { query, me } = admitReader(req, chat);
    const limit = wholeNumber(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
    const other = isRoom(me) ? me : personName(query['sender']);

    const { store } = chat;
    const page = await readConversation(store, me, other, { limit, before: query['before'] });
    sendJson(res, 200, { ...page, lacks: store.lacks });
  };
}

/** Admits whoever asks to read the mailbox `receiver`, `me`, and counts the request. Everybody whom the chat knows reads rooms. */
export function admitReader(req: IncomingMessage, { asks }: Chat): { query: Fields; me: MailboxName } {
  const query = queryOf(req);
  const me = mailboxName(query['receiver']);
  const caller = callerOf(req);
  if (isRoom(me)) admitAnyone(caller);
  else admit(caller, me);
  asks.count(caller.address, isRoom(me) ? undefined : me);
  return { query, me };
}
