import type { MailboxName } from './mailbox-name.ts';
import type { MailboxStore, MailEvent } from './mailbox-store.ts';

/** What came between these two ids is no longer kept. */
export interface Gap {
  readonly after: string;
  readonly oldest: string;
}

/** The events after a cursor, in order, until there are no more for now. Returns the cursor to go on from. */
export async function* eventsAfter(
  start: string,
  mailbox: MailboxName,
  store: MailboxStore,
): AsyncGenerator<MailEvent | Gap, string, void> {
  for (let cursor = start; ;) {
    const { events, gap } = await store.read(mailbox, cursor);
    yield* events;
    if (gap) {
      const { oldest } = await store.ends(mailbox);
      yield { after: cursor, oldest };
      cursor = oldest;
    } else if (events.length === 0) return cursor;
    cursor = events.at(-1)?.id ?? cursor;
  }
}
