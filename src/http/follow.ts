import { isRoom, type MailboxName } from '../mailbox-name.ts';
import type { MailEvent } from '../mailbox-store.ts';
import type { Chat } from './chat.ts';
import type { Start } from './cursor.ts';
import { BUSY_RETRY_MS, type EventStream } from './event-stream.ts';
import { HEARTBEAT_MS } from './open-streams.ts';
import { codeOf } from './problem.ts';

const READ_LIMIT = 1000;

/**
 * Brings a mailbox to a stream: hints wake it, reads decide. It stops reading while the receiver is slow, and
 * costs nothing while nothing comes.
 */
export class Follow {
  readonly #mailbox: MailboxName;
  readonly #stream: EventStream;
  readonly #chat: Chat;
  readonly #begun = Date.now();
  #cursor = '';
  #marks = false;
  #sending = false;
  #rung = false;

  constructor(mailbox: MailboxName, stream: EventStream, chat: Chat) {
    this.#mailbox = mailbox;
    this.#stream = stream;
    this.#chat = chat;
  }

  /** Resolves when the mailbox is listened to; what waits in it is on its way by then. */
  async begin(start: Start, begun: () => void): Promise<void> {
    const { store, receipts } = this.#chat;
    const ends = await store.ends(this.#mailbox);
    this.#cursor = start.lost === undefined ? (start.cursor ?? (await this.#afterMark(ends))) : ends.oldest;
    this.#marks = start.cursor === undefined;
    this.#stream.begin(this.#mailbox, this.#cursor, HEARTBEAT_MS);
    begun();
    this.#countResume(start, ends.oldest);
    if (start.lost !== undefined) this.#tellGap(start.lost, ends.oldest);
    if (start.proves) await receipts.delivered(this.#mailbox, this.#cursor);

    const watching = store.watch(this.#mailbox, () => this.#ring());
    this.#ring();
    this.#stream.onEnd(await watching);
  }

  /** Without a cursor it begins with what was not received yet; in a room, with what is said from now on. */
  async #afterMark({ oldest, newest }: { oldest: string; newest: string }): Promise<string> {
    if (isRoom(this.#mailbox)) return newest;
    return (await this.#chat.store.marks(this.#mailbox))['delivered'] ?? oldest;
  }

  #ring(): void {
    this.#rung = true;
    if (!this.#sending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    try {
      while (this.#rung && this.#stream.isOpen) {
        this.#rung = false;
        while (this.#stream.isOpen && (await this.#sendSome())) await this.#stream.drained();
      }
    } catch (error) {
      interrupt(this.#stream, error, this.#chat);
    } finally {
      this.#sending = false;
    }
  }

  /** Whether there may be more. */
  async #sendSome(): Promise<boolean> {
    const { store } = this.#chat;
    const { events, gap } = await store.read(this.#mailbox, this.#cursor, READ_LIMIT);
    if (gap) {
      const { oldest } = await store.ends(this.#mailbox);
      this.#tellGap(this.#cursor, oldest);
      this.#cursor = oldest;
      return true;
    }
    const last = events.at(-1)?.id;
    if (last === undefined) return false;
    // A client that sends no cursor proves nothing more: the kernel took the bytes.
    this.#stream.send(events, this.#marks ? () => this.#taken(last) : undefined);
    this.#countSent(events);
    this.#cursor = last;
    return true;
  }

  #countResume({ cursor, proves, lost }: Start, oldest: string): void {
    const { store, counts } = this.#chat;
    if (lost !== undefined || (proves && store.compare(cursor!, oldest) < 0)) counts.resumed('gap');
    else if (proves) counts.resumed('hit');
  }

  /** Counts how long the mail was on its way. Mail older than this stream did not wait for us. */
  #countSent(events: readonly MailEvent[]): void {
    if (!this.#stream.isOpen) return;
    const { counts } = this.#chat;
    const now = Date.now();
    counts.sent(events.length);
    for (const { time } of events) {
      if (time >= this.#begun) counts.delivered(Math.max(0, now - time) / 1000);
    }
  }

  #taken(upTo: string): void {
    if (isRoom(this.#mailbox)) return;
    this.#chat.store.mark(this.#mailbox, 'delivered', upTo).catch(() => undefined); // the next message moves it again
  }

  #tellGap(after: string, oldest: string): void {
    this.#stream.notify('gap', JSON.stringify({ after, oldest }));
  }
}

/** An error ends the stream. The client comes back with its cursor. */
export function interrupt(stream: EventStream, error: unknown, { counts, logger }: Chat): void {
  counts.failed(codeOf(error));
  logger.warn({ err: error }, 'a stream was interrupted');
  stream.bye('busy', BUSY_RETRY_MS);
}
