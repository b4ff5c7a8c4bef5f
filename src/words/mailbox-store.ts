import type { Inspector } from './inspector.ts';
import type { Live } from './live.ts';
import type { MailboxName } from './mailbox-name.ts';

/** What one person says to another. `key` is the idempotency key: sent twice with the same key, it arrives once. */
export interface Message {
  readonly sender: MailboxName;
  readonly receiver: MailboxName;
  readonly message: string;
  readonly key: string;
}

/**
 * One event of a mailbox. `id` is opaque and rises within its mailbox. `time` is Unix milliseconds: when it was accepted,
 * or read if another program wrote it, and never less than a time that its id names.
 */
export interface MailEvent {
  readonly id: string;
  readonly time: number;
  readonly data: string;
  readonly type?: string | undefined;
}

/** Events of one mailbox. `gap`: the cursor asked for is older than everything kept. */
export interface Batch {
  readonly events: readonly MailEvent[];
  readonly gap: boolean;
}

/** What `append` did. `repeated`: this sender used this key before, and `event` is the one it made then. */
export interface Appended {
  readonly event: MailEvent;
  readonly repeated: boolean;
}

/** What a store has counted since it was opened. */
export interface StoreFigures {
  /** Events that other programs wrote into mailbox files, without us. */
  readonly foundInFiles: number;
  readonly watchErrors: number;
}

/** `delivered`, or `read:<sender>`. */
export type MarkName = 'delivered' | `read:${string}`;

/**
 * A mailbox, seen from above: a bounded log and marks. Hints wake, reads decide.
 * Every call may reject with a MailboxError (DISK_FULL, MAILBOX_BUSY, MAILBOX_UNUSABLE, STORE_FAILED, CLOSED).
 */
export interface MailboxStore extends Partial<StoreAbilities> {
  /** Durable when it resolves. The same sender and key again gives the first event; with another text, KEY_REUSED. */
  append(mailbox: MailboxName, message: Message): Promise<Appended>;

  /** Gives ids to what other programs have appended, so that it can be read. */
  drain(mailbox: MailboxName): Promise<void>;

  /** Events after the cursor, oldest first, at most `limit` (default 1,000; fewer may come: ask until none does).
   *  Without a cursor: after the `delivered` mark, or from the oldest kept. */
  read(mailbox: MailboxName, after?: string, limit?: number): Promise<Batch>;

  /** Events before `before` (default: the end), newest first, at most `limit` (default 50), waiting mail included.
   *  `more`: the `before` of the next call, or undefined at the beginning. */
  readBack(mailbox: MailboxName, before?: string, limit?: number): Promise<{ events: MailEvent[]; more?: string }>;

  /** The newest id that `read` has to give, `0-0` when it never had an event; `oldest` is the cursor that reads all that is kept. */
  ends(mailbox: MailboxName): Promise<{ oldest: string; newest: string }>;

  /** Whether a text could be an id of this store. */
  isId(text: string): boolean;

  /** Negative when `a` comes before `b`, 0 when they are one, positive when after. Across mailboxes it decides between events of one time. */
  compare(a: string, b: string): number;

  /** Moves a mark forward to `id`; never back. Written soon, not at once. */
  mark(mailbox: MailboxName, name: MarkName, id: string): Promise<void>;
  marks(mailbox: MailboxName): Promise<Readonly<Record<string, string>>>;

  /** Calls `ring` whenever the mailbox may have grown, whoever did it, or a mark has moved here: a hint. Resolves to the way to stop. */
  watch(mailbox: MailboxName, ring: () => void): Promise<() => void>;

  /** Rejects when the store cannot take mail now: closed, failed, without its directory, or on a full disk. */
  ready(): Promise<void>;

  /** Finishes what was begun; twice is harmless. From then on every call rejects with CLOSED. */
  close(): Promise<void>;
}

/** What a store may lack. Whoever uses one of these says what happens without it. */
export interface StoreAbilities {
  /** Leaves nothing of the mailbox behind. Without: the `forget` command refuses. */
  forget(mailbox: MailboxName): Promise<void>;

  /** Notices between the processes that share this store. Without: they stay in the process. */
  readonly live: Live;

  /** Looks at the store's files for people. Without: the pages that show them answer 404. */
  readonly inspector: Inspector;

  /** For metrics. Without: there are none of files. */
  readonly figures: StoreFigures;
}
