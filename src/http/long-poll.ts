import { callerNow, callerOf } from '../access/caller.ts';
import { Follow, mailAfter, type Mail } from '../words/follow.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore, MailEvent } from '../words/mailbox-store.ts';
import { afterMark } from './since.ts';
import { sendJson } from './answer.ts';
import { admitTo, readAudience } from './audience.ts';
import type { Chat } from './chat.ts';
import { readStart } from './cursor.ts';
import { queryOf, wholeNumber, type Handler } from './request.ts';
import { tellingOf } from './telling.ts';

const MAX_WAIT_S = 60;
const FULL = 'Too many clients are listening. Ask again in a moment.';

/** Long polling, for clients behind proxies that buffer streams: what is there, or comes first within `wait=` seconds. */
export function pollStatus({ store, receipts, streams, counts, closing }: Chat): Handler {
  return async (req, res) => {
    const query = queryOf(req);
    const audience = readAudience(query, callerOf(req).people);
    const tell = tellingOf(query);
    admitTo(audience, callerOf(req));
    const { mailbox } = audience;
    const waitS = wholeNumber(query, 'wait', 0, MAX_WAIT_S) ?? 0;
    const start = await readStart(req, query, store, mailbox);
    if (start.isReceipt) await receipts.delivered(mailbox, start.cursor!);

    const from = start.cursor ?? (await afterMark(store, mailbox));
    const waitForMail = async (): Promise<Mail | undefined> => {
      if (waitS === 0 || res.closed) return undefined;
      if (streams.isFull(mailbox)) throw new MailboxError('TOO_MANY_STREAMS', FULL);
      const over = new AbortController();
      res.once('close', () => over.abort());
      const timer = setTimeout(() => over.abort(), waitS * 1000); // a timeout signal would stay for all that time
      const release = streams.hold(mailbox);
      return firstMail(from, mailbox, store, [over.signal, closing]).finally(() => {
        clearTimeout(timer);
        release();
      });
    };
    const mail = (await mailAfter(from, mailbox, store)) ?? (await waitForMail());
    if (waitS > 0) admitTo(audience, await callerNow(req)); // they may have lost the right to listen
    if (!res.writable) return;
    const { events = [], cursor = from, gap = start.unknownCursor } = mail ?? {};
    // Commands and the host application get all that the store knows. They read ahead, which nobody needs to count.
    if (callerOf(req).administers) return sendJson(res, 200, { events, cursor, gap });
    counts.sent(events.length);
    sendJson(res, 200, {
      events: events.map((event) => plainEvent(tell(mailbox, event))),
      cursor,
      gap: gap !== undefined,
    });
  };
}

/** The first mail that comes. Undefined if a signal aborts before. */
async function firstMail(
  after: string,
  mailbox: MailboxName,
  store: MailboxStore,
  signals: readonly AbortSignal[],
): Promise<Mail | undefined> {
  if (signals.some(({ aborted }) => aborted)) return undefined;
  return new Promise((resolve, reject) => {
    let first: Mail | undefined;
    const follow = new Follow(after, mailbox, store, {
      take(mail) {
        first = mail;
        follow.stop();
      },
      over(error) {
        for (const signal of signals) signal.removeEventListener('abort', stop);
        if (error === undefined) resolve(first);
        else reject(error);
      },
    });
    const stop = (): void => follow.stop();
    for (const signal of signals) signal.addEventListener('abort', stop);
    void follow.begin();
  });
}

function plainEvent({ id, type = 'message', data }: MailEvent): object {
  return { id, type, data };
}
