import { reconnectionMs, type EventStream } from './event-stream.ts';

export const HEARTBEAT_MS = 15_000;
const LIFETIME_MS = 10 * 60 * 1000;
const TICK_MS = 100;

/** All open streams of one chat: each gets a heartbeat every 15 s, a share of them at every tick. */
export class OpenStreams {
  readonly #streams = new Set<EventStream>();
  #round: Iterator<EventStream> = [].values();
  /** Visits that are due, in parts of a visit. */
  #owed = 0;
  #timer: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#streams.size;
  }

  add(stream: EventStream): void {
    this.#streams.add(stream);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    stream.onEnd(() => this.#remove(stream));
  }

  /** Says goodbye to everyone. */
  close(): void {
    for (const stream of this.#streams) stream.bye('shutdown', reconnectionMs());
    clearInterval(this.#timer);
  }

  #remove(stream: EventStream): void {
    this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #tick(): void {
    this.#owed += (this.#streams.size * TICK_MS) / HEARTBEAT_MS;
    for (; this.#owed >= 1; this.#owed -= 1) {
      let next = this.#round.next();
      if (next.done) {
        this.#round = this.#streams.values();
        next = this.#round.next();
      }
      if (!next.done) this.#visit(next.value);
    }
  }

  #visit(stream: EventStream): void {
    // Proxies and phones lose track of very old connections: a fresh one costs little.
    if (performance.now() - stream.openedMs > LIFETIME_MS) stream.bye('busy', reconnectionMs());
    else if (!stream.isBackedUp) stream.notify('ping', '{}');
  }
}
