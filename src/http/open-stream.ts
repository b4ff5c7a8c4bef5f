import type { ServerResponse } from 'node:http';
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

/** One open response with events on it: made here, or passed on. */
export abstract class OpenStream {
  /** Milliseconds of the clock that only rises. */
  abstract readonly openedMs: number;
  protected readonly res: ServerResponse;
  protected readonly format: WireFormat;
  readonly #dones: (() => void)[] = [];

  constructor(res: ServerResponse, format: WireFormat) {
    this.res = res;
    this.format = format;
    res.once('close', () => this.#dones.forEach((done) => done()));
  }

  /** The id of the last event that was sent, or what the client began with; empty when not known. */
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

  /** What the kernel has taken for this connection so far. */
  get bytesSent(): number {
    const { bytesWritten = 0, writableLength = 0 } = this.res.socket ?? {};
    return bytesWritten - writableLength;
  }

  /** Calls `done` once, when the response is over, whoever ended it. */
  onEnd(done: () => void): void {
    if (this.res.destroyed) done();
    else this.#dones.push(done);
  }

  /** Says why, when to come back, and ends; who does not read would not hear it. */
  bye(reason: ByeReason, retryMs: number): void {
    if (this.isBackedUp) return this.cut();
    this.write(this.format.retry(retryMs) + this.format.notice('bye', JSON.stringify({ reason, retryMs })));
    this.end();
  }

  /** Ends at once: what is on its way is lost, and comes again with the cursor. */
  cut(): void {
    this.res.destroy();
  }

  end(): void {
    if (this.isOpen) this.res.end();
  }

  /** As bytes: Node sets aside three times the length of a string that the kernel does not take at once. */
  protected write(text: string, taken?: () => void): void {
    if (this.isOpen) this.res.write(Buffer.from(text), taken && ((error) => !error && taken()));
  }
}
