import type { MailboxName } from './mailbox-name.ts';

/** What is in the files of one mailbox, and what it means. Of a long file, only the end. */
export interface Inspection {
  readonly mailbox: string;
  /** The mailbox file; null if there is none. */
  readonly file: FileView | null;
  /** The newest pieces of the log that another program may still have open, oldest first. */
  readonly takes: readonly FileView[];
  /** The newest of the other pieces, oldest first. */
  readonly log: readonly FileView[];
  /** By name: `delivered`, `read:<sender>`. */
  readonly marks: Readonly<Record<string, string>>;
}

export interface FileView {
  /** Relative to the data directory. */
  readonly path: string;
  readonly size: number;
  /** Tells a file from a later one of the same name. */
  readonly ino: string;
  /** The end of the file, without gaps. What comes before is not shown. The name is as in version 1: these are not pieces of the log. */
  readonly pieces: readonly Span[];
  /** Why none of it is shown. */
  readonly problem?: 'notPlain' | 'unreadable';
}

/** A range of bytes with one meaning. */
export interface Span {
  /** Offsets in the file. */
  readonly from: number;
  readonly end: number;
  /** In base64. Of a long span only the beginning; `last` is then its end. */
  readonly bytes: string;
  readonly last?: string;
  readonly says: Says;
}

export type Says =
  | {
      readonly kind: 'event';
      /** Not known for foreign text in a long file. */
      readonly id?: string;
      /** It is behind the end marker, so it is written again into the mailbox, where it gets its id. */
      readonly isLate?: true;
      /** Unix ms. */
      readonly time?: number;
      readonly sender?: string;
      readonly type?: string;
      /** At most 500 characters. */
      readonly text: string;
    }
  /** An end marker: what is behind it came late. */
  | { readonly kind: 'end' }
  /** Comments and blank lines. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'damaged'; readonly why: string }
  /** The blank line has not come yet. `lines`: they are whole, and count after a while. */
  | { readonly kind: 'unfinished'; readonly lines: boolean }
  /** It begins before the part that is shown. */
  | { readonly kind: 'cut' };

/** Shows people the files of a store. It only reads: it takes no lock, and moves or makes nothing. */
export interface Inspector {
  /** The names of mailboxes that have files, sorted; at most 1,000. */
  mailboxes(): string[];
  look(mailbox: MailboxName): Inspection;
}
