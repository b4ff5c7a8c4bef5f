import type { MailboxErrorCode } from './mailbox-error.ts';
import { Durations } from './durations.ts';

/** What one chat has done since it was made. Always counted, so that it is right when it is first asked for. */
export class ChatCounts {
  /** From handing a message to the store until it was durable; one for each message accepted, a repeated one apart. */
  readonly appends = new Durations();
  /** Events of mail, for each stream or poll that they were sent on. */
  eventsSent = 0;
  /** From the time of an event until it was sent on a stream that was open by then. */
  readonly deliveries = new Durations();
  /** Streams begun with a cursor that all is kept from, and with one that something is missing behind. */
  readonly resumes = { hit: 0, gap: 0 };
  slowReadersClosed = 0;
  readonly errors = new Map<MailboxErrorCode, number>();

  appended(seconds: number): void {
    this.appends.observe(seconds);
  }

  sent(events: number): void {
    this.eventsSent += events;
  }

  delivered(seconds: number): void {
    this.deliveries.observe(seconds);
  }

  resumed(result: 'hit' | 'gap'): void {
    this.resumes[result] += 1;
  }

  slowReaderClosed(): void {
    this.slowReadersClosed += 1;
  }

  failed(code: MailboxErrorCode): void {
    this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
  }
}
