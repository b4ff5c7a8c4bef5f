import type { LinkAccess } from '../access/link-access.ts';
import type { ChatCounts } from '../chat-counts.ts';
import type { Live } from '../live.ts';
import type { Logger } from '../logger.ts';
import type { MailboxName } from '../mailbox-name.ts';
import type { MailboxStore } from '../mailbox-store.ts';
import type { Receipts } from '../receipts.ts';
import type { Door } from './door.ts';
import type { OpenStreams } from './open-streams.ts';
import type { SendLimit } from './send-limit.ts';

/** What the routes of one chat share. */
export interface Chat {
  readonly store: MailboxStore;
  readonly live: Live;
  readonly receipts: Receipts;
  readonly streams: OpenStreams;
  readonly door: Door;
  /** Only where people get in by invitation links. */
  readonly links: LinkAccess | undefined;
  readonly limit: SendLimit;
  readonly counts: ChatCounts;
  readonly logger: Logger;
  /** Whom the pages offer to talk to. */
  readonly people: readonly MailboxName[];
  /** Longest message, in Unicode code points. */
  readonly maxMessage: number;
  /** Where the files are, as it was given; null when another store keeps the mail. */
  readonly dir: string | null;
}
