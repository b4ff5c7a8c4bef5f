import { admitAnyone, callerOf, personAsking, type Caller } from '../access/caller.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { personCalled } from '../words/shown-name.ts';
import { sendJson } from './answer.ts';
import type { Chat } from './chat.ts';
import { queryOf, type Handler } from './request.ts';

/** `GET /names?name=Kim Min`: the mailbox that belongs to a name, and whether anybody of that name has been here. */
export function getName(chat: Chat): Handler {
  return async (req, res) => {
    const caller = callerOf(req);
    admitAnyone(caller);
    const { name, shown } = personCalled(queryOf(req)['name']);
    chat.asks.count(caller.address, personAsking(caller));

    sendJson(res, 200, { name, shown, known: await isKnown(name, caller, chat) });
  };
}

/** Mail in the mailbox does not count: others wrote it. */
async function isKnown(
  name: MailboxName,
  { people, invited = [], as }: Caller,
  { live, store }: Chat,
): Promise<boolean> {
  if (people.includes(name) || invited.includes(name) || (as !== 'everybody' && as.includes(name))) return true;
  const { online, lastSeen } = await live.ask(name);
  return online || lastSeen !== null || Object.keys(await store.marks(name)).length > 0;
}
