import type { ChatCounts } from './chat-counts.ts';
import type { Live } from '../words/live.ts';
import type { Logger } from '../words/logger.ts';
import type { MailboxStore } from '../words/mailbox-store.ts';
import type { Receipts } from './receipts.ts';
import type { Correspondents } from './correspondents.ts';
import type { OpenStreams } from './open-streams.ts';
import type { RateLimit } from './rate-limit.ts';

/** What the handlers about mail need. Only the owner of the mailboxes has it. */
export interface Chat {
  readonly store: MailboxStore;
  readonly live: Live;
  readonly receipts: Receipts;
  readonly correspondents: Correspondents;
  readonly streams: OpenStreams;
  /** Aborts when the mailboxes are closed. */
  readonly closing: AbortSignal;
  /** Limits how fast messages may come … */
  readonly sends: RateLimit;
  /** … and how fast all other requests may come. */
  readonly asks: RateLimit;
  readonly counts: ChatCounts;
  readonly logger: Logger;
  /** The longest message, in Unicode code points. */
  readonly maxMessage: number;
  /** The data directory as it was given; null when another store keeps the mail. */
  readonly dir: string | null;
}
