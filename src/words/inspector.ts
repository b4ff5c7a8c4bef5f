import type { MailboxName } from './mailbox-name.ts';

/** What stands in the files behind one mailbox, and what it says. Of long files only the newest part. */
export interface Inspection {
  readonly mailbox: string;
  /** Mail that waits; null while there is no such file. */
  readonly file: FileView | null;
  /** The newest pieces of the log that somebody may still write to, oldest first. */
  readonly takes: readonly FileView[];
  /** The newest of its other pieces, oldest first. */
  readonly log: readonly FileView[];
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
      /** Of foreign text in a long file it is not known here. */
      readonly id?: string;
      /** It came when the file had ended: it is written again into the mailbox, and gets its id there. */
      readonly isLate?: true;
      /** Unix ms. */
      readonly time?: number;
      readonly sender?: string;
      readonly type?: string;
      /** At most 500 characters. */
      readonly text: string;
    }
  /** What stands behind it came late. */
  | { readonly kind: 'end' }
  /** Comments and blank lines. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'damaged'; readonly why: string }
  /** No blank line has come yet. `lines`: whole lines, which count after a while. */
  | { readonly kind: 'unfinished'; readonly lines: boolean }
  /** Begins before what is shown. */
  | { readonly kind: 'cut' };

/** Looks at a store's files for people. It reads: no lock, no drain, nothing moved or made. */
export interface Inspector {
  /** Names of mailboxes that there is something of, in order; at most 1,000. */
  mailboxes(): string[];
  look(mailbox: MailboxName): Inspection;
}
