import { reconnectionMs, type EventStream } from './event-stream.ts';

export const HEARTBEAT_MS = 15_000;
const LIFETIME_MS = 10 * 60 * 1000;
const TICK_MS = 100;
const MAX_PER_MAILBOX = 1000;
const RECHECK_MS = 2000;

/** All open streams of one chat: each gets a heartbeat every 15 s, a share of them at every tick. */
export class OpenStreams {
  readonly #streams = new Map<EventStream, () => Promise<boolean>>();
  readonly #perMailbox = new Map<string, number>();
  readonly #max: number;
  readonly #rechecks: boolean;
  #round: Iterator<EventStream> = [].values();
  #recheckedMs = 0;
  /** Visits that are due, in parts of a visit. */
  #owed = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `rechecks`: whether a right to listen can end while a stream is open. */
  constructor(max: number, rechecks: boolean) {
    this.#max = max;
    this.#rechecks = rechecks;
  }

  /** Whether one more would be too many, in all or for this mailbox. */
  isFull(mailbox: string): boolean {
    return this.#streams.size >= this.#max || (this.#perMailbox.get(mailbox) ?? 0) >= MAX_PER_MAILBOX;
  }

  add(mailbox: string, stream: EventStream, isAllowed: () => Promise<boolean>): void {
    this.#streams.set(stream, isAllowed);
    this.#perMailbox.set(mailbox, (this.#perMailbox.get(mailbox) ?? 0) + 1);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    stream.onEnd(() => this.#remove(mailbox, stream));
  }

  /** Says goodbye to everyone. */
  close(): void {
    for (const stream of this.#streams.keys()) stream.bye('shutdown', reconnectionMs());
    clearInterval(this.#timer);
  }

  #remove(mailbox: string, stream: EventStream): void {
    this.#streams.delete(stream);
    const left = (this.#perMailbox.get(mailbox) ?? 1) - 1;
    if (left > 0) this.#perMailbox.set(mailbox, left);
    else this.#perMailbox.delete(mailbox);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    if (this.#rechecks && performance.now() - this.#recheckedMs > RECHECK_MS) void this.#recheck();
    this.#owed += (this.#streams.size * TICK_MS) / HEARTBEAT_MS;
    for (; this.#owed >= 1; this.#owed -= 1) {
      let next = this.#round.next();
      if (next.done) {
        this.#round = this.#streams.keys();
        next = this.#round.next();
      }
      if (!next.done) this.#visit(next.value);
    }
  }

  async #recheck(): Promise<void> {
    this.#recheckedMs = performance.now();
    for (const [stream, isAllowed] of this.#streams) if (!(await isAllowed())) stream.bye('revoked', reconnectionMs());
  }

  #visit(stream: EventStream): void {
    // Proxies and phones lose track of very old connections: a fresh one costs little.
    if (performance.now() - stream.openedMs > LIFETIME_MS) stream.bye('busy', reconnectionMs());
    else if (!stream.isBackedUp) stream.notify('ping', '{}');
  }
}
