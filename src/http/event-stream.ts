import type { ServerResponse } from 'node:http';
import type { MailEvent } from '../words/mailbox-store.ts';
import { OpenStream, reconnectionMs } from './open-stream.ts';
import type { WireFormat } from './wire-format.ts';

/** A stream that this process writes. It buffers nothing: await `drained` before you send more. */
export class EventStream extends OpenStream {
  readonly openedMs = performance.now();
  #cursor = '';

  constructor(res: ServerResponse, format: WireFormat) {
    super(res, format);
    res.writeHead(200, {
      'Content-Type': format.contentType,
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
    res.flushHeaders(); // until they are written, Node keeps headers in two dozen pieces
  }

  get cursor(): string {
    return this.#cursor;
  }

  /** The first bytes: when to come back, and the cursor that the client now has. */
  begin(mailbox: string, cursor: string, heartbeatMs: number): void {
    this.#cursor = cursor;
    const ready = this.format.notice('ready', JSON.stringify({ mailbox, heartbeatMs }), cursor);
    this.write(this.format.retry(reconnectionMs()) + ready);
  }

  /** `taken` is called when the kernel has the bytes. */
  send(events: readonly MailEvent[], taken?: () => void): void {
    this.#cursor = events.at(-1)?.id ?? this.#cursor;
    this.write(events.map((event) => this.format.event(event)).join(''), taken);
  }

  notify(name: string, json: string): void {
    this.write(this.format.notice(name, json));
  }

  /** Resolves when the receiver has taken what was sent, or has gone. */
  drained(): Promise<void> {
    if (!this.isBackedUp || !this.isOpen) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        this.res.off('drain', done);
        this.res.off('close', done);
        resolve();
      };
      this.res.on('drain', done);
      this.res.on('close', done);
    });
  }
}
