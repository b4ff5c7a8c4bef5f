import type { ChatCounts } from '../words/chat-counts.ts';
import type { Live } from '../words/live.ts';
import type { Logger } from '../words/logger.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import type { Receipts } from '../words/receipts.ts';
import type { OpenStreams } from './open-streams.ts';
import type { RateLimit } from './rate-limit.ts';

/** What the owner of the mailboxes answers with. */
export interface Chat {
  readonly store: MailboxStore;
  readonly live: Live;
  readonly receipts: Receipts;
  readonly streams: OpenStreams;
  /** How fast messages may come … */
  readonly sends: RateLimit;
  /** … and everything else that a page asks for. */
  readonly asks: RateLimit;
  readonly counts: ChatCounts;
  readonly logger: Logger;
  /** How long a message may be, in Unicode code points. */
  readonly maxMessage: number;
  /** Where the files are, as it was given; null when another store keeps the mail. */
  readonly dir: string | null;
}
