import type { MailboxName } from './mailbox-name.ts';

/** What stands in the files behind one mailbox, and what it says. Of long files only the newest part. */
export interface Inspection {
  readonly mailbox: string;
  /** Mail that waits; null while there is no such file. */
  readonly file: FileView | null;
  /** Mail on its way into the log, oldest first. */
  readonly takes: readonly FileView[];
  /** The newest of the log's segments, oldest first. */
  readonly log: readonly FileView[];
  /** What could not be shown and was set aside. */
  readonly torn: readonly FileView[];
  /** As they stand in the file: `delivered`, `read:<sender>`. */
  readonly marks: Readonly<Record<string, string>>;
}

export interface FileView {
  /** Below the data directory. */
  readonly path: string;
  readonly size: number;
  /** Tells a file from its successor of the same name. */
  readonly ino: string;
  /** Its end, without a hole; what comes before is not shown. */
  readonly pieces: readonly Piece[];
  /** Of a take: how many of its bytes are known to be in the log. */
  readonly logged?: number;
  /** Why nothing of it is shown. */
  readonly problem?: 'notPlain' | 'unreadable';
}

/** A stretch of bytes that says one thing. */
export interface Piece {
  /** Offsets in the file. */
  readonly from: number;
  readonly end: number;
  /** Base64. Of a long piece the beginning; `last` is then its end. */
  readonly bytes: string;
  readonly last?: string;
  readonly says: Says;
}

export type Says =
  | {
      readonly kind: 'event';
      /** Foreign mail has none before it is logged. */
      readonly id?: string;
      /** Unix ms. */
      readonly time?: number;
      readonly sender?: string;
      readonly type?: string;
      /** At most 500 characters. */
      readonly text: string;
    }
  /** The line in front of what was logged together. */
  | { readonly kind: 'batch'; readonly time: number; readonly events: number; readonly takes: readonly string[] }
  /** Comments and blank lines. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'damaged'; readonly why: string }
  /** No blank line has come yet. `lines`: whole lines, which count after a while. */
  | { readonly kind: 'unfinished'; readonly lines: boolean }
  /** Bytes of a log that are no whole batch where they stand: a torn write, or one that is under way. */
  | { readonly kind: 'void' }
  /** Begins before what is shown. */
  | { readonly kind: 'cut' };

/** Looks at a store's files for people. It reads: no lock, no drain, nothing moved or made. */
export interface Inspector {
  /** Names of mailboxes that there is something of, in order; at most 1,000. */
  mailboxes(): string[];
  look(mailbox: MailboxName): Inspection;
}
