import { Follow, type Follower, type Gap, type Mail } from '../words/follow.ts';
import { isRoom, type MailboxName } from '../words/mailbox-name.ts';
import type { MailEvent } from '../words/mailbox-store.ts';
import { shownChange } from '../words/shown-change.ts';
import { shownMail } from '../words/shown-mail.ts';
import { afterMark } from './since.ts';
import type { Chat } from './chat.ts';
import type { Start } from './cursor.ts';
import type { EventStream } from './event-stream.ts';
import { HEARTBEAT_MS } from './open-streams.ts';
import { interrupt } from './stream-problem.ts';
import type { Telling } from './telling.ts';

/** Sends the mail of a mailbox on a stream. While none comes, it does nothing. */
export class Delivery implements Follower {
  readonly #mailbox: MailboxName;
  readonly #stream: EventStream;
  readonly #tell: Telling;
  readonly #chat: Chat;
  readonly #begun = Date.now();
  #marksOnWrite = false;

  constructor(mailbox: MailboxName, stream: EventStream, tell: Telling, chat: Chat) {
    this.#mailbox = mailbox;
    this.#stream = stream;
    this.#tell = tell;
    this.#chat = chat;
  }

  /** Resolves when the mailbox is being followed; what waits in it is on its way by then. */
  async begin(start: Start, begun: () => void): Promise<void> {
    const { store, receipts } = this.#chat;
    const ends = await store.ends(this.#mailbox, start.cursor);
    const cursor =
      start.unknownCursor === undefined ? (start.cursor ?? (await this.#afterMark(ends.newest))) : ends.oldest;
    this.#marksOnWrite = start.cursor === undefined;
    this.#stream.begin(this.#mailbox, cursor, HEARTBEAT_MS);
    begun();
    this.#countResume(start, ends.oldest);
    if (start.unknownCursor !== undefined) this.#tellGap({ after: start.unknownCursor, oldest: ends.oldest });
    if (start.isReceipt) await receipts.delivered(this.#mailbox, cursor);

    const follow = new Follow(cursor, this.#mailbox, store, this);
    this.#stream.onEnd(() => follow.stop());
    await follow.begin();
  }

  take({ gap, events }: Mail): Promise<void> | void {
    if (!this.#stream.isOpen) return;
    if (gap) this.#tellGap(gap);
    const last = events.at(-1)?.id;
    if (last === undefined) return;
    const told = events.map((event) => this.#tell(this.#mailbox, event));
    // A client without a cursor sends no receipts: its mail counts as delivered when the kernel has taken the bytes.
    this.#stream.send(told, this.#marksOnWrite ? () => this.#taken(last) : undefined);
    this.#countSent(events);
    this.#tellSenders(events);
    return this.#stream.drained();
  }

  over(error?: unknown): void {
    if (error !== undefined) interrupt(this.#stream, error, this.#chat);
  }

  /**
   * Where a stream without a cursor begins: with what was not received yet; in a room, with what is said from now on.
   */
  async #afterMark(newest: string): Promise<string> {
    return isRoom(this.#mailbox) ? newest : afterMark(this.#chat.store, this.#mailbox);
  }

  #countResume({ cursor, isReceipt, unknownCursor }: Start, oldest: string): void {
    const { store, counts } = this.#chat;
    if (unknownCursor !== undefined || (isReceipt && store.compare(cursor!, oldest) < 0)) counts.resumed('gap');
    else if (isReceipt) counts.resumed('hit');
  }

  /**
   * Counts how long the mail was on its way. It leaves out mail from before this stream: that waited for its receiver.
   */
  #countSent(events: readonly MailEvent[]): void {
    if (!this.#stream.isOpen) return;
    const { counts } = this.#chat;
    const now = Date.now();
    counts.sent(events.length);
    for (const { time } of events) {
      if (time >= this.#begun) counts.delivered(Math.max(0, now - time) / 1000);
    }
  }

  /** A program may have written it as somebody: their own pages show it too, as they show what they send. */
  #tellSenders(events: readonly MailEvent[]): void {
    if (isRoom(this.#mailbox)) return;
    for (const event of events) {
      if (!event.foreign || event.time < this.#begun) continue;
      const mail = shownChange(this.#mailbox, event) ?? shownMail(this.#mailbox, event);
      if (mail.sender === null || mail.sender === this.#mailbox) continue;
      this.#chat.live.publish({ to: mail.sender, name: 'sent', data: JSON.stringify({ ...mail, state: 'sent' }) });
    }
  }

  #taken(upTo: string): void {
    if (isRoom(this.#mailbox)) return;
    this.#chat.store.mark(this.#mailbox, 'delivered', upTo).catch(() => undefined); // the next message moves it past this one
  }

  #tellGap(gap: Gap): void {
    this.#stream.notify('gap', JSON.stringify(gap));
  }
}
