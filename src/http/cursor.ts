import type { IncomingMessage } from 'node:http';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import { checkCursor, isCursor, sinceCursor } from './since.ts';
import { header, type Fields } from './request.ts';

/** Where a stream begins. `proves`: the client has everything up to there; `lost`: what it asked for is not to be had. */
export interface Start {
  readonly cursor: string | undefined;
  readonly proves: boolean;
  readonly lost?: string;
}

/** `Last-Event-ID`, else `lastEventId=`, else `since=`, else the mark. A cursor in the query must be one; 400 if not. */
export async function readStart(
  req: IncomingMessage,
  query: Fields,
  store: MailboxStore,
  mailbox: MailboxName,
): Promise<Start> {
  const { newest } = await store.ends(mailbox);
  const fromHeader = header(req, 'last-event-id');
  if (fromHeader) {
    const known = isCursor(fromHeader, newest, store);
    return known ? { cursor: fromHeader, proves: true } : { cursor: undefined, proves: false, lost: fromHeader };
  }
  const { lastEventId, since } = query;
  if (lastEventId) return { cursor: checkCursor(lastEventId, newest, store, 'lastEventId'), proves: true };
  if (since) return { cursor: await sinceCursor(since, store, mailbox), proves: false };
  return { cursor: undefined, proves: false };
}
