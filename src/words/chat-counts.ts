import type { MailboxErrorCode } from './mailbox-error.ts';

/** Is told what one chat does, and ignores it until `chat.metrics` replaces these methods. */
export class ChatCounts {
  /** A new message is durable: seconds since the store was given it. */
  appended(_seconds: number): void {}
  /** Events of mail were sent, on one stream or by one poll. */
  sent(_events: number): void {}
  /** An event was sent on a stream that was open when it came: seconds since the event's time. */
  delivered(_seconds: number): void {}
  /** A stream began with a cursor. `hit`: everything after it was kept. `gap`: something is missing. */
  resumed(_result: 'hit' | 'gap'): void {}
  slowReaderClosed(): void {}
  failed(_code: MailboxErrorCode): void {}
}
