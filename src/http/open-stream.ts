import type { ServerResponse } from 'node:http';
import { connectionName } from './unsent-queues.ts';
import type { WireFormat } from './wire-format.ts';

export type ByeReason = 'shutdown' | 'busy' | 'revoked';

/** How long a client that we could not serve should wait before it comes back. */
export const BUSY_RETRY_MS = 10_000;

const RETRY_MIN_MS = 2000;
const RETRY_SPREAD_MS = 2000;

/** How long a client that lost its stream should wait: spread out, so that not all come back at once. */
export function reconnectionMs(): number {
  return Math.round(RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS);
}

/** An open response that events are sent on: made by this process, or passed on from the owner. */
export abstract class OpenStream {
  /** By `performance.now()`. */
  abstract readonly openedMs: number;
  protected readonly res: ServerResponse;
  protected readonly format: WireFormat;
  #endings: readonly (() => void)[] = [];

  constructor(res: ServerResponse, format: WireFormat) {
    this.res = res;
    this.format = format;
    res.once('close', () => this.#endings.forEach((ending) => ending()));
  }

  /** The id of the last event that was sent, or the cursor that the client began with; empty when not known. */
  abstract get cursor(): string;

  /** Sends an event of the server's own. */
  abstract notify(name: string, json: string): void;

  get isOpen(): boolean {
    return !this.res.writableEnded && !this.res.destroyed;
  }

  get isBackedUp(): boolean {
    return this.res.writableNeedDrain;
  }

  /** As `unsentQueues` names it. */
  get connection(): string {
    const { localPort = 0, remotePort = 0 } = this.res.socket ?? {};
    return connectionName(localPort, remotePort);
  }

  /** How many bytes the kernel has taken for this connection so far. */
  get bytesSent(): number {
    const { bytesWritten = 0, writableLength = 0 } = this.res.socket ?? {};
    return bytesWritten - writableLength;
  }

  /** Calls `done` once, when the response has ended, whoever ended it. */
  onEnd(done: () => void): void {
    if (this.res.destroyed) done();
    else this.#endings = this.#endings.concat(done); // `push` would keep room for 16 more
  }

  /** Says why the stream ends and when to come back, and ends it. It cuts off a client that does not read. */
  bye(reason: ByeReason, retryMs: number): void {
    if (this.isBackedUp) return this.cut();
    this.write(this.format.retry(retryMs) + this.format.notice('bye', JSON.stringify({ reason, retryMs })));
    this.end();
  }

  /** Ends at once. What is on its way is lost; the client gets it again with its cursor. */
  cut(): void {
    this.res.destroy();
  }

  end(): void {
    if (this.isOpen) this.res.end();
  }

  /** Writes bytes: for a string that the kernel does not take at once, Node allocates three times its length. */
  protected write(text: string, taken?: () => void): void {
    if (this.isOpen) this.res.write(Buffer.from(text), taken && ((error) => !error && taken()));
  }
}
