import { MailboxError } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';

const UNIT_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The cursor for a `since`: all, latest, waiting (not received yet), an id, Unix seconds, or a duration such as 10m. */
export async function sinceCursor(since: string, store: MailboxStore, mailbox: MailboxName): Promise<string> {
  const duration = /^(\d{1,6})([smhd])$/.exec(since);
  const isTime = duration !== null || /^\d{1,12}$/.test(since);
  if (!isTime && !['all', 'latest', 'waiting'].includes(since)) {
    return checkCursor(since, store, mailbox, 'since');
  }
  await store.drain(mailbox); // not earlier: a request that is refused must move nothing
  if (since === 'waiting') return afterMark(store, mailbox);
  const { oldest, newest } = await store.ends(mailbox);
  if (since === 'all') return oldest;
  if (since === 'latest') return newest;
  const time = duration ? Date.now() - Number(duration[1]) * UNIT_MS[duration[2]!]! : Number(since) * 1000;
  return cursorAt(time, store, mailbox);
}

/** Reads back from the newest event to the first one before that time: the work is as long as the answer. */
async function cursorAt(time: number, store: MailboxStore, mailbox: MailboxName): Promise<string> {
  const { newest, oldest } = await store.ends(mailbox);
  let before: string | undefined;
  do {
    const { events, more } = await store.readBack(mailbox, before, 1000);
    const older = events.find((event) => event.time < time && store.compare(event.id, newest) <= 0);
    if (older) return older.id;
    before = more;
  } while (before !== undefined);
  return oldest;
}

/** The cursor before the first event that was not received yet. */
export async function afterMark(store: MailboxStore, mailbox: MailboxName): Promise<string> {
  return (await store.marks(mailbox))['delivered'] ?? (await store.ends(mailbox)).oldest;
}

export async function checkCursor(
  text: string,
  store: MailboxStore,
  mailbox: MailboxName,
  name: string,
): Promise<string> {
  if (await isCursor(text, store, mailbox)) return text;
  const { newest } = await store.ends(mailbox);
  throw new MailboxError(
    'INVALID_CURSOR',
    `"${name}" is not the id of an event of this mailbox (the newest is ${newest}). Leave it out, or use since=all.`,
  );
}

export async function isCursor(text: string, store: MailboxStore, mailbox: MailboxName): Promise<boolean> {
  return store.isId(text) && store.compare(text, (await store.ends(mailbox, text)).newest) <= 0;
}
