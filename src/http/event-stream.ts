import type { ServerResponse } from 'node:http';
import type { MailEvent } from '../mailbox-store.ts';
import { connectionName } from './unsent-queues.ts';
import type { WireFormat } from './wire-format.ts';

export type ByeReason = 'shutdown' | 'busy' | 'revoked';

/** When a client that could not be served should come back. */
export const BUSY_RETRY_MS = 10_000;

const RETRY_MIN_MS = 2000;
const RETRY_SPREAD_MS = 2000;

/** When a client that lost its stream asks again: spread out, so that not all come at once. */
export function reconnectionMs(): number {
  return Math.round(RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS);
}

/** One open response that events are sent on. What it cannot send yet it does not buffer: ask `drained` before more. */
export class EventStream {
  readonly openedMs = performance.now();
  readonly #res: ServerResponse;
  readonly #format: WireFormat;
  readonly #dones: (() => void)[] = [];
  #ended = false;
  #cursor = '';

  constructor(res: ServerResponse, format: WireFormat) {
    this.#res = res;
    this.#format = format;
    res.once('close', () => this.#dones.forEach((done) => done()));
    res.writeHead(200, {
      'Content-Type': format.contentType,
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    res.flushHeaders(); // as one text: until it is written, Node keeps it in two dozen pieces, for as long as the stream lasts
  }

  get isOpen(): boolean {
    return !this.#ended && !this.#res.destroyed;
  }

  /** The id of the last event that was sent, or what the client began with. */
  get cursor(): string {
    return this.#cursor;
  }

  /** As `unsentQueues` names it. */
  get connection(): string {
    const { localPort = 0, remotePort = 0 } = this.#res.socket ?? {};
    return connectionName(localPort, remotePort);
  }

  /** What the kernel has taken for this connection so far. */
  get bytesSent(): number {
    const { bytesWritten = 0, writableLength = 0 } = this.#res.socket ?? {};
    return bytesWritten - writableLength;
  }

  get isBackedUp(): boolean {
    return this.#res.writableNeedDrain;
  }

  /** Calls `done` once, when the response is over, whoever ended it. */
  onEnd(done: () => void): void {
    if (this.#res.destroyed) done();
    else this.#dones.push(done);
  }

  /** The first bytes: when to come back, and the cursor that the client now has. */
  begin(mailbox: string, cursor: string, heartbeatMs: number): void {
    this.#cursor = cursor;
    const ready = this.#format.notice('ready', JSON.stringify({ mailbox, heartbeatMs }), cursor);
    this.#write(this.#format.retry(reconnectionMs()) + ready);
  }

  /** `taken` is called when the kernel has the bytes. */
  send(events: readonly MailEvent[], taken?: () => void): void {
    this.#cursor = events.at(-1)?.id ?? this.#cursor;
    this.#write(events.map((event) => this.#format.event(event)).join(''), taken);
  }

  notify(name: string, json: string): void {
    this.#write(this.#format.notice(name, json));
  }

  /** Resolves when the receiver has taken what was sent, or has gone. */
  drained(): Promise<void> {
    if (!this.isBackedUp || !this.isOpen) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.#res.off('drain', done);
        this.#res.off('close', done);
        resolve();
      };
      this.#res.on('drain', done);
      this.#res.on('close', done);
    });
  }

  /** Says why, when to come back, and ends; who does not read would not hear it. */
  bye(reason: ByeReason, retryMs: number): void {
    if (this.isBackedUp) return this.cut();
    this.#write(this.#format.retry(retryMs) + this.#format.notice('bye', JSON.stringify({ reason, retryMs })));
    this.end();
  }

  /** Ends at once: what is on its way is lost, and comes again with the cursor. */
  cut(): void {
    this.#ended = true;
    this.#res.destroy();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#res.end();
  }

  /** As bytes: Node sets aside three times the length of a string that the kernel does not take at once. */
  #write(text: string, taken?: () => void): void {
    if (this.isOpen) this.#res.write(Buffer.from(text), taken && ((error) => !error && taken()));
  }
}
