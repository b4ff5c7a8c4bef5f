import type { ServerResponse } from 'node:http';
import type { MailEvent } from '../mailbox-store.ts';

export type ByeReason = 'shutdown' | 'busy' | 'revoked';

const RETRY_MIN_MS = 2000;
const RETRY_SPREAD_MS = 2000;

/** When a browser that lost its stream asks again: spread out, so that not all come at once. */
export function reconnectionMs(): number {
  return Math.round(RETRY_MIN_MS + Math.random() * RETRY_SPREAD_MS);
}

/** One open `text/event-stream` response [sse]. What it cannot send yet it does not buffer: ask `drained` before more. */
export class EventStream {
  readonly openedMs: number;
  readonly #res: ServerResponse;
  #ended = false;

  constructor(res: ServerResponse, nowMs: number) {
    this.#res = res;
    this.openedMs = nowMs;
    res.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-cache, no-transform',
      'X-Accel-Buffering': 'no',
      'X-Content-Type-Options': 'nosniff',
    });
  }

  get isOpen(): boolean {
    return !this.#ended && !this.#res.destroyed;
  }

  get isBackedUp(): boolean {
    return this.#res.writableNeedDrain;
  }

  /** Calls `done` once, when the response is over, whoever ended it. */
  onEnd(done: () => void): void {
    this.#res.once('close', done);
  }

  send(text: string, sent?: () => void): void {
    if (this.isOpen) this.#res.write(text, sent && ((error) => !error && sent()));
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

  /** Says why, when to come back, and ends. */
  bye(reason: ByeReason, retryMs: number): void {
    this.send(`retry: ${retryMs}\n\n${notice('bye', { reason, retryMs })}`);
    this.end();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#res.end();
  }
}

/** A stored event as it goes over the wire. */
export function wireFrame({ id, type, data }: MailEvent): string {
  const lines = data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data;
  return `id: ${id}\n${type === undefined ? '' : `event: ${type}\n`}data: ${lines}\n\n`;
}

/** A named event of the server's own. Without an id it moves no cursor. */
export function notice(name: string, data: object, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
