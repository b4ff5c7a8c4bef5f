import { admit, admitAnyone, callerOf } from '../access/caller.ts';
import { readConversation } from './conversation.ts';
import { isRoom, mailboxName, personName } from '../words/mailbox-name.ts';
import { sendJson } from './answer.ts';
import type { Chat } from './chat.ts';
import { queryOf, wholeNumber, type Handler } from './request.ts';

const MAX_LIMIT = 500;
const DEFAULT_LIMIT = 50;

/**
 * `GET /history?receiver=me&sender=other`: what they sent each other, and foreign mail to `me`; of a room, all of it.
 */
export function getHistory({ store, asks }: Chat): Handler {
  return async (req, res) => {
    const query = queryOf(req);
    const me = mailboxName(query['receiver']);
    if (isRoom(me)) admitAnyone(callerOf(req));
    else admit(callerOf(req), me);
    asks.count(callerOf(req).address, isRoom(me) ? undefined : me);
    const limit = wholeNumber(query, 'limit', 1, MAX_LIMIT) ?? DEFAULT_LIMIT;
    const other = isRoom(me) ? me : personName(query['sender']);

    sendJson(res, 200, await readConversation(store, me, other, { limit, before: query['before'] }));
  };
}
