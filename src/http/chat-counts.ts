import type { MailboxErrorCode } from '../words/mailbox-error.ts';

/** Counts what a chat does. These methods do nothing until `chat.metrics` replaces them. */
export class ChatCounts {
  /** A new message is on disk. `seconds`: since the store was given it. */
  appended(_seconds: number): void {}
  /** Mail was sent, on one stream or by one poll. */
  sent(_events: number): void {}
  /** An event was sent on a stream that was open when it came. `seconds`: since the event's time. */
  delivered(_seconds: number): void {}
  /** A stream began with a cursor. `hit`: everything after it is still kept. `gap`: something is missing. */
  resumed(_result: 'hit' | 'gap'): void {}
  slowReaderClosed(): void {}
  failed(_code: MailboxErrorCode): void {}
}
