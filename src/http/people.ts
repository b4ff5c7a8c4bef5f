import { admit, callerOf, type Caller } from '../access/caller.ts';
import { comparePositions, type Position } from './conversation.ts';
import { mailboxName, personName, type MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import { messageOf, type StoredMessage } from '../words/message-data.ts';
import { sendJson } from './answer.ts';
import type { Chat } from './chat.ts';
import { queryOf, type Handler } from './request.ts';

/** A message and its place among others. */
interface Said {
  readonly position: Position;
  readonly message: StoredMessage;
}

interface Correspondent {
  unread: number;
  last?: Said;
}

const MAX_EVENTS = 2000;
const MAX_OWN = 50;
const MAX_PEOPLE = 200;

/** `GET /people?receiver=me`: whom I can talk to, who of them is online, and the last message with each. */
export function getPeople(chat: Chat): Handler {
  const { store, live, asks, dir } = chat;
  return async (req, res) => {
    const me = personName(queryOf(req)['receiver']);
    const caller = callerOf(req);
    admit(caller, me);
    asks.count(caller.address, me);
    await store.drain(me); // it is my own mailbox
    const found = await correspondentsOf(me, caller, store);
    const people = [];
    for (const [name, { unread, last }] of [...found].slice(0, MAX_PEOPLE)) {
      const mine = await lastTo(name, me, store);
      const newer = mine && (!last || comparePositions(mine.position, last.position, store) > 0) ? mine : last;
      people.push({ name, ...(await live.ask(name)), unread, last: newer?.message ?? null });
    }
    sendJson(res, 200, { people, access: caller.access, dir: caller.isHere ? dir : null });
  };
}

/** The people of the chat, the invited, and everybody who wrote to me lately. */
async function correspondentsOf(
  me: MailboxName,
  { people, invited = [] }: Caller,
  store: MailboxStore,
): Promise<Map<MailboxName, Correspondent>> {
  const found = new Map<MailboxName, Correspondent>();
  for (const name of [...people, ...invited]) if (name !== me) found.set(name, { unread: 0 });
  const marks = await store.marks(me);
  const { events } = await store.readBack(me, undefined, MAX_EVENTS);
  for (const { id, time, data } of events) {
    const message = messageOf(data);
    if (!message || message.sender === me) continue;
    const sender = mailboxName(message.sender);
    const entry = found.get(sender) ?? { unread: 0 };
    const read = marks[`read:${sender}`];
    entry.last ??= { position: { mailbox: me, id, time }, message };
    if (read === undefined || store.compare(id, read) > 0) entry.unread += 1;
    found.set(sender, entry);
  }
  return found;
}

async function lastTo(mailbox: MailboxName, me: MailboxName, store: MailboxStore): Promise<Said | undefined> {
  const { events } = await store.readBack(mailbox, undefined, MAX_OWN);
  for (const { id, time, data } of events) {
    const message = messageOf(data);
    if (message?.sender === me) return { position: { mailbox, id, time }, message };
  }
  return undefined;
}
