import { admit, callerOf, type Caller } from '../access/caller.ts';
import { personName, type MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import { shownChange } from '../words/shown-change.ts';
import { Slices } from '../words/slices.ts';
import { sendJson } from './answer.ts';
import type { Chat } from './chat.ts';
import { comparePositions } from './backwards.ts';
import { MAX_TEXT, saidIn, type Said } from './correspondents.ts';
import { queryOf, type Handler } from './request.ts';

const MAX_OWN = 50;
const MAX_PEOPLE = 200;

/** `GET /people?receiver=me`: whom I can talk to, who of them is online, and the last message with each. */
export function getPeople(chat: Chat): Handler {
  const { store, live, asks, dir, correspondents } = chat;
  return async (req, res) => {
    const me = personName(queryOf(req)['receiver']);
    const caller = callerOf(req);
    admit(caller, me);
    asks.count(caller.address, me);
    await store.drain(me); // it is my own mailbox
    const writers = await correspondents.of(me);
    const people = [];
    const slices = new Slices();
    for (const name of namesFor(me, caller, writers.keys())) {
      const { last, unread } = writers.get(name) ?? {};
      const mine = await lastTo(name, me, store);
      const newer = mine && (!last || comparePositions(mine.position, last.position, store) > 0) ? mine : last;
      people.push({ name, ...(await live.ask(name)), unread: unread?.size ?? 0, last: newer ? shown(newer) : null });
      await slices.rest();
    }
    sendJson(res, 200, { people, access: caller.access, dir: caller.isHere ? dir : null });
  };
}

/** The people of the chat, the invited, and everybody who wrote to me, the latest first. */
function namesFor(me: MailboxName, { people, invited = [] }: Caller, writers: Iterable<MailboxName>): MailboxName[] {
  const names = new Set([...people, ...invited, ...[...writers].toReversed()]);
  names.delete(me);
  return [...names].slice(0, MAX_PEOPLE);
}

async function lastTo(mailbox: MailboxName, me: MailboxName, store: MailboxStore): Promise<Said | undefined> {
  const { events } = await store.readBack(mailbox, undefined, MAX_OWN);
  const last = events.map((event) => saidIn(mailbox, event, store)).find((said) => said?.mail.sender === me);
  for (const event of events) {
    const change = shownChange(mailbox, event);
    if (change) last?.changes.add(change);
  }
  return last;
}

function shown({ mail, changes }: Said): object {
  const { sender, receiver, message, files, time, key, edited, removed } = changes.fold(mail);
  return { sender, receiver, message: message.slice(0, MAX_TEXT), files, time, key, edited, removed };
}
