import type { IncomingMessage } from 'node:http';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import { checkCursor, isCursor, sinceCursor } from './since.ts';
import { header, type Fields } from './request.ts';

/**
 * Where a stream begins; without a cursor, at the mark. `isReceipt`: the client has everything up to there.
 * `unknownCursor`: what it sent as its cursor, which is no id of this mailbox.
 */
export interface Start {
  readonly cursor: string | undefined;
  readonly isReceipt: boolean;
  readonly unknownCursor?: string;
}

/** Reads `Last-Event-ID`, else `lastEventId=`, else `since=`. A bad cursor is a gap in the header, an error in the query. */
export async function readStart(
  req: IncomingMessage,
  query: Fields,
  store: MailboxStore,
  mailbox: MailboxName,
): Promise<Start> {
  const fromHeader = header(req, 'last-event-id');
  if (fromHeader) {
    if (await isCursor(fromHeader, store, mailbox)) return { cursor: fromHeader, isReceipt: true };
    return { cursor: undefined, isReceipt: false, unknownCursor: fromHeader };
  }
  const { lastEventId, since } = query;
  if (lastEventId) return { cursor: await checkCursor(lastEventId, store, mailbox, 'lastEventId'), isReceipt: true };
  if (since) return { cursor: await sinceCursor(since, store, mailbox), isReceipt: false };
  return { cursor: undefined, isReceipt: false };
}
