import type { FileStore } from './file-store.ts';
import type { Inspector } from './inspector.ts';
import type { Live } from './live.ts';
import type { MailboxName } from './mailbox-name.ts';
import type { MessageFile } from './message-files.ts';

/** What an event does to an earlier message. */
export type ChangeType = 'edit' | 'remove' | 'react';

/**
 * What one person says to another, or a change of what was said. `key` is the idempotency key: a message sent twice with
 * one key arrives once.
 */
export interface Message {
  readonly sender: MailboxName;
  readonly receiver: MailboxName;
  /** Empty if there is no text. */
  readonly message: string;
  readonly key: string;
  /** The sender as people see it, if that differs: `isNameOf` holds. */
  readonly name?: string;
  /** Undefined: it is a message itself. Otherwise it changes the message `of`. */
  readonly type?: ChangeType | undefined;
  readonly of?: string | undefined;
  /** The reaction; an empty one takes the last one back. */
  readonly emoji?: string | undefined;
  /** The id of the message that this one answers. */
  readonly replyTo?: string | undefined;
  readonly files?: readonly MessageFile[] | undefined;
}

/**
 * One event of a mailbox. `id` is opaque and rises within the mailbox. `time`, in Unix ms, is when it was accepted, or read
 * if another program wrote it. It is never less than the time in the id.
 */
export interface MailEvent {
  readonly id: string;
  readonly time: number;
  readonly data: string;
  readonly type?: string | undefined;
  /** Another program wrote it, so nobody has checked its sender. */
  readonly foreign?: true;
}

/** Events of one mailbox. `gap`: the cursor asked for is older than everything kept. */
export interface Batch {
  readonly events: readonly MailEvent[];
  readonly gap: boolean;
}

/** Events, newest first. `more`: the `before` of the next page, or undefined if there are no earlier events. */
export interface BackPage {
  readonly events: MailEvent[];
  readonly more?: string;
}

/** Whether events within these bytes of a log are wanted. The bytes are valid only during the call. */
export type IsWanted = (bytes: Buffer) => boolean;

/** What `append` did. `repeated`: this sender has used this key before, and `event` is the one that it made then. */
export interface Appended {
  readonly event: MailEvent;
  readonly repeated: boolean;
}

/** What a store has counted since it was opened. */
export interface StoreFigures {
  /** Events that other programs wrote into mailbox files. */
  readonly foundInFiles: number;
  readonly watchErrors: number;
}

/** `delivered`, or `read:<sender>`. */
export type MarkName = 'delivered' | `read:${string}`;

/**
 * Where mail is kept. To its users, a mailbox is a log of events, and marks in it. A ring of `watch` is only a hint: reading
 * tells whether there is mail. Every call may reject with a MailboxError (DISK_FULL, MAILBOX_BUSY, MAILBOX_UNUSABLE, STORE_FAILED, CLOSED).
 */
export interface MailboxStore extends Partial<StoreAbilities> {
  /** Resolves once the message is on disk. The same sender and key give the first event again; with another text, KEY_REUSED. */
  append(mailbox: MailboxName, message: Message): Promise<Appended>;

  /** Brings in what other programs have appended: gives it ids, so that it can be read. */
  drain(mailbox: MailboxName): Promise<void>;

  /**
   * Events after the cursor, oldest first, at most `limit` (default 1,000). There may be fewer: read until there are none.
   * Without a cursor: after the `delivered` mark, or from the oldest that is kept.
   */
  read(mailbox: MailboxName, after?: string, limit?: number): Promise<Batch>;

  /**
   * Events before `before` (default: the end), at most `limit` (default 50), with waiting mail. With `isWanted`, a store may
   * pass over stretches of the log, some 256 KiB long, that it refuses.
   */
  readBack(mailbox: MailboxName, before?: string, limit?: number, isWanted?: IsWanted): Promise<BackPage>;

  /** The event with this id. Undefined if there is none, or it is no longer kept. */
  get(mailbox: MailboxName, id: string): Promise<MailEvent | undefined>;

  /**
   * `newest`: the last id that `read` can return, `0-0` if there was never an event. `oldest`: the cursor that reads all that
   * is kept. With `upTo`, `newest` may be any id from that one on: it is known sooner if much waits.
   */
  ends(mailbox: MailboxName, upTo?: string): Promise<{ oldest: string; newest: string }>;

  /** Whether a text has the form of an id of this store. */
  isId(text: string): boolean;

  /** Negative if `a` comes before `b`, 0 if they are the same, positive if it comes after. Also orders ids of different mailboxes. */
  compare(a: string, b: string): number;

  /** Moves a mark forward to `id`, never back. It is written soon, not at once. */
  mark(mailbox: MailboxName, name: MarkName, id: string): Promise<void>;
  marks(mailbox: MailboxName): Promise<Readonly<Record<string, string>>>;

  /** Calls `ring` when the mailbox may have grown, whoever wrote, or when a mark was moved here. Resolves to a function that stops this. */
  watch(mailbox: MailboxName, ring: () => void): Promise<() => void>;

  /** Rejects if the store cannot accept mail now: it is closed or has failed, its directory is gone, or the disk is full. */
  ready(): Promise<void>;

  /** What the store refuses with NOT_SUPPORTED, if anything: pages do not offer it. */
  readonly lacks?: readonly Lack[];

  /** Finishes work that was begun. From then on, every call rejects with CLOSED. Closing twice is harmless. */
  close(): Promise<void>;
}

export type Lack = 'edit' | 'remove' | 'files';

/** What a store may lack, and what happens without it. */
export interface StoreAbilities {
  /** Deletes a mailbox with all its mail. Without: the `forget` command refuses. */
  forget(mailbox: MailboxName): Promise<void>;

  /** Keeps the files that messages name. Without: messages may not name files. */
  readonly files: FileStore;

  /** Exchanges notices between the processes that share this store. Without: notices stay within one process. */
  readonly live: Live;

  /** Shows people the store's files. Without: `inspect.html` gets 404. */
  readonly inspector: Inspector;

  /** For metrics. Without: those about files are missing. */
  readonly figures: StoreFigures;
}
