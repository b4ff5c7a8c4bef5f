import type { ChatCounts } from './chat-counts.ts';
import { reconnectionMs, type OpenStream } from './open-stream.ts';
import { Rounds } from '../words/rounds.ts';
import { Slices } from '../words/slices.ts';
import { unsentQueues } from './unsent-queues.ts';

export const HEARTBEAT_MS = 15_000;
const LIFETIME_MS = 10 * 60 * 1000;
const TICK_MS = 100;
const RECHECK_MS = 2000;
const STALL_CHECK_MS = 10_000;
/** A client that acknowledges nothing for so many checks has gone, or does not read. It can come back with its cursor. */
const MAX_STALLED_CHECKS = 4;
const MAX_PER_MAILBOX = 1000;

interface OpenStreamsOptions {
  /** How many streams may be open at once. */
  readonly max: number;
  /** Whether somebody can lose the right to listen while their stream is open. */
  readonly rechecks: boolean;
  readonly counts: ChatCounts;
}

interface Entry {
  readonly mailbox: string;
  /** Kept only with `rechecks`: it holds on to the whole request. */
  readonly isAllowed: (() => Promise<boolean>) | undefined;
  /** Bytes that the client had acknowledged at the last check. */
  acknowledged: number;
  stalledChecks: number;
}

/** All open streams of one chat. Sends heartbeats, to some at every tick, and ends old, stalled and forbidden streams. */
export class OpenStreams {
  readonly #options: OpenStreamsOptions;
  readonly #streams = new Map<OpenStream, Entry>();
  readonly #perMailbox = new Map<string, number>();
  readonly #heartbeats = new Rounds(this.#streams, TICK_MS, HEARTBEAT_MS);
  #recheckedMs = 0;
  #isRechecking = false;
  #held = 0;
  #stallCheckedMs = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: OpenStreamsOptions) {
    this.#options = options;
  }

  get count(): number {
    return this.#streams.size;
  }

  /** Counts a long poll, which takes as much as a stream. Returns what to call when it is over. */
  hold(mailbox: string): () => void {
    this.#held += 1;
    this.#perMailbox.set(mailbox, (this.#perMailbox.get(mailbox) ?? 0) + 1);
    return () => {
      this.#held -= 1;
      this.#oneLess(mailbox);
    };
  }

  /** Whether one more stream would be too many, in all or for this mailbox. */
  isFull(mailbox: string, mostHere = MAX_PER_MAILBOX): boolean {
    return this.#streams.size + this.#held >= this.#options.max || (this.#perMailbox.get(mailbox) ?? 0) >= mostHere;
  }

  /** The streams of a mailbox, oldest first. */
  of(mailbox: string): OpenStream[] {
    return Array.from(this.#streams).flatMap(([stream, entry]) => (entry.mailbox === mailbox ? [stream] : []));
  }

  add(mailbox: string, stream: OpenStream, isAllowed: () => Promise<boolean>): void {
    const { rechecks } = this.#options;
    this.#streams.set(stream, {
      mailbox,
      isAllowed: rechecks ? isAllowed : undefined,
      acknowledged: 0,
      stalledChecks: 0,
    });
    this.#perMailbox.set(mailbox, (this.#perMailbox.get(mailbox) ?? 0) + 1);
    this.#timer ??= setInterval(() => this.#tick(), TICK_MS).unref();
    stream.onEnd(() => this.#remove(mailbox, stream));
  }

  /** Says `bye` on every stream. */
  close(): void {
    for (const stream of this.#streams.keys()) stream.bye('shutdown', reconnectionMs());
    clearInterval(this.#timer);
  }

  #remove(mailbox: string, stream: OpenStream): void {
    this.#streams.delete(stream);
    this.#oneLess(mailbox);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #oneLess(mailbox: string): void {
    const left = (this.#perMailbox.get(mailbox) ?? 1) - 1;
    if (left > 0) this.#perMailbox.set(mailbox, left);
    else this.#perMailbox.delete(mailbox);
  }

  #tick(): void {
    const now = performance.now();
    if (this.#options.rechecks && !this.#isRechecking && now - this.#recheckedMs > RECHECK_MS) {
      this.#recheckedMs = now;
      void this.#recheck();
    }
    if (now - this.#stallCheckedMs > STALL_CHECK_MS) {
      this.#stallCheckedMs = now;
      void this.#endStalled();
    }
    this.#heartbeats.tick(visit);
  }

  async #recheck(): Promise<void> {
    this.#isRechecking = true;
    const slices = new Slices();
    try {
      for (const [stream, { isAllowed }] of this.#streams) {
        if (isAllowed && !(await isAllowed())) stream.bye('revoked', reconnectionMs());
        await slices.rest();
      }
    } finally {
      this.#isRechecking = false;
    }
  }

  /** A client that vanished looks alive for 15 minutes. What it does not acknowledge shows that it has gone. */
  async #endStalled(): Promise<void> {
    const queues = await unsentQueues();
    for (const [stream, entry] of this.#streams) {
      const unsent = queues.get(stream.connection) ?? 0;
      const acknowledged = stream.bytesSent - unsent;
      const isStalled = unsent > 0 && acknowledged <= entry.acknowledged;
      entry.acknowledged = acknowledged;
      entry.stalledChecks = isStalled ? entry.stalledChecks + 1 : 0;
      if (entry.stalledChecks < MAX_STALLED_CHECKS || !stream.isOpen) continue;
      this.#options.counts.slowReaderClosed();
      stream.cut();
    }
  }
}

function visit(stream: OpenStream): void {
  // Proxies and phones lose track of very old connections: a fresh one costs little.
  if (performance.now() - stream.openedMs > LIFETIME_MS) stream.bye('busy', reconnectionMs());
  else if (!stream.isBackedUp) stream.notify('ping', '{}');
}
