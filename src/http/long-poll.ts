import { Bell } from '../bell.ts';
import type { MailboxName } from '../mailbox-name.ts';
import type { Batch, MailboxStore, MailEvent } from '../mailbox-store.ts';
import { sendJson } from './answer.ts';
import { admit, readAudience } from './audience.ts';
import type { Chat } from './chat.ts';
import { readStart } from './cursor.ts';
import { queryOf, wholeNumber, type Handler } from './request.ts';

const READ_LIMIT = 1000;
const MAX_WAIT_S = 60;

/** Long polling, for where a proxy holds streams back: what is there, or what comes first within `wait=` seconds. */
export function pollStatus({ store, receipts, people, door, counts }: Chat): Handler {
  return async (req, res) => {
    const query = queryOf(req);
    const audience = readAudience(query, people);
    await admit(req, audience, door);
    const { mailbox } = audience;
    const waitS = wholeNumber(query, 'wait', 0, MAX_WAIT_S) ?? 0;
    const start = await readStart(req, query, store, mailbox);
    if (start.proves) await receipts.delivered(mailbox, start.cursor!);

    const bell = new Bell();
    res.once('close', () => bell.stop());
    const batch = await firstMail(store, mailbox, start.cursor, bell, waitS);
    const { oldest, newest } = await store.ends(mailbox);
    if (waitS > 0) await admit(req, audience, door); // the right to listen may have ended meanwhile
    const { events } = batch.gap ? await store.read(mailbox, oldest, READ_LIMIT) : batch;
    const cursor = events.at(-1)?.id ?? start.cursor ?? newest;
    if (!res.writable) return;
    counts.sent(events.length);
    sendJson(res, 200, { events: events.map(plainEvent), cursor, gap: batch.gap || start.lost !== undefined });
  };
}

/** Waits until there is something, the bell is stopped or the time is over. */
async function firstMail(
  store: MailboxStore,
  mailbox: MailboxName,
  cursor: string | undefined,
  bell: Bell,
  waitS: number,
): Promise<Batch> {
  const timer = setTimeout(() => bell.stop(), waitS * 1000);
  const unwatch = waitS > 0 ? await store.watch(mailbox, () => bell.ring()) : undefined;
  try {
    for (;;) {
      const batch = await store.read(mailbox, cursor, READ_LIMIT);
      if (batch.events.length > 0 || batch.gap || waitS === 0 || !(await bell.rings())) return batch;
    }
  } finally {
    clearTimeout(timer);
    unwatch?.();
  }
}

function plainEvent({ id, type = 'message', data }: MailEvent): object {
  return { id, type, data };
}
