import type { IncomingMessage } from 'node:http';
import { admit, admitAnyone, callerNow, type Caller } from '../access/caller.ts';
import type { Live, Notice } from '../words/live.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { isRoom, mailboxName, personName, type MailboxName } from '../words/mailbox-name.ts';
import type { EventStream } from './event-stream.ts';
import type { Fields } from './request.ts';

/** Who listens to which mailbox (`receiver` or `f`; in a room also `person`), and whose presence they want (`with`). */
interface Audience {
  readonly mailbox: MailboxName;
  readonly person: MailboxName | undefined;
  readonly room: MailboxName | undefined;
  readonly others: readonly MailboxName[];
}

const MAX_WITH = 50;

export function readAudience(query: Fields, people: readonly MailboxName[]): Audience {
  const { f: file, receiver, person, with: names = '' } = query;
  if (file !== undefined && receiver !== undefined) {
    throw new MailboxError('INVALID_REQUEST', 'Give either receiver or f, not both.');
  }
  const mailbox = mailboxName(receiver ?? file?.replace(/\.txt$/i, ''));
  if (isRoom(mailbox)) {
    return { mailbox, room: mailbox, person: person === undefined ? undefined : personName(person), others: [] };
  }
  const named = names.split(',').filter((name) => name !== '');
  if (named.length > MAX_WITH) throw new MailboxError('INVALID_REQUEST', `"with" may name at most ${MAX_WITH} people.`);
  const others = new Set([...people, ...named.map(personName)]);
  others.delete(mailbox);
  return { mailbox, room: undefined, person: mailbox, others: [...others] };
}

/** Lets one person into their own mailbox, and everybody whom the chat knows into a room, each under their own name. */
export function admitTo({ mailbox, person, room }: Audience, caller: Caller): void {
  if (room === undefined) admit(caller, mailbox);
  else if (person === undefined) admitAnyone(caller);
  else admit(caller, person);
}

export async function isStillAllowed(req: IncomingMessage, audience: Audience): Promise<boolean> {
  try {
    admitTo(audience, await callerNow(req));
    return true;
  } catch {
    return false;
  }
}

/** Shows the person as online, and sends the stream the notices to them and about the others. */
export function attend({ mailbox, person, room, others }: Audience, events: EventStream, live: Live): void {
  const hear = ({ name, data }: Notice): void => {
    if (!events.isBackedUp) events.notify(name, data);
  };
  const arrived = person === undefined ? [] : [live.arrive(person, room)]; // first: nobody is told of their own arrival
  const topics = [mailbox, ...others.map((other) => `presence:${other}`)];
  const stops = arrived.concat(topics.map((to) => live.listen(to, hear)));
  events.onEnd(() => stops.forEach((stop) => stop()));

  if (room !== undefined && person !== undefined) {
    const count = live.inRoom(room).length;
    events.notify('presence', JSON.stringify({ person, ...live.presence(person, room), room, count }));
  }
  for (const other of others) events.notify('presence', JSON.stringify({ person: other, ...live.presence(other) }));
}
