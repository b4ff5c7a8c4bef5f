import { get, type ClientRequest } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Shown } from './ledger.ts';
import { setTimeout as pause } from 'node:timers/promises';

export interface FollowerOptions {
  readonly mailbox: string;
  /** The port of the next connection. */
  readonly port: () => number;
  /** How long each connection lasts before it is cut (default: until it breaks), and how long to stay away after it (50 ms). */
  readonly livesMs?: () => number;
  readonly awayMs?: () => number;
  /** Whether the cursor is sent in the query; default: in the header. */
  readonly inQuery?: () => boolean;
  /** Where to begin. Default: `since=all`. */
  readonly since?: string;
}

/**
 * Follows a mailbox as a page does: it keeps the id of the last complete event, and reconnects with it however the
 * connection ended. It keeps what it was shown, in order, for the oracle.
 */
export class Follower {
  readonly shown: Shown[] = [];
  readonly texts = new Set<string>();
  /** What should never happen: a gap, a refused cursor. */
  readonly complaints: string[] = [];
  connections = 0;
  cursor: string | undefined;
  readonly #options: FollowerOptions;
  #request: ClientRequest | undefined;
  #closed = false;
  readonly #done: Promise<void>;

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** Cuts the connection. The follower reconnects. */
  cut(): void {
    this.#request?.destroy();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.cut();
    await this.#done;
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      await this.#connect();
      if (!this.#closed) await pause(this.#options.awayMs?.() ?? 50);
    }
  }

  #connect(): Promise<void> {
    const { mailbox, port, livesMs, inQuery, since = 'all' } = this.#options;
    const query = new URLSearchParams({ receiver: mailbox });
    const headers: Record<string, string> = {};
    if (this.cursor === undefined) query.set('since', since);
    else if (inQuery?.()) query.set('lastEventId', this.cursor);
    else headers['Last-Event-ID'] = this.cursor;

    return new Promise((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const over = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const req = get(
        { host: '127.0.0.1', port: port(), path: `/status?${query.toString()}`, headers, agent: false },
        (res) => {
          this.connections += 1;
          if (res.statusCode !== 200) this.complaints.push(`status ${res.statusCode} for cursor ${this.cursor}`);
          const parser = createParser({ onEvent: (event) => this.#take(event) });
          res.setEncoding('utf8');
          res.on('data', (text: string) => parser.feed(text));
          res.on('error', () => undefined);
          res.on('close', over);
        },
      );
      this.#request = req;
      req.on('error', over);
      req.on('close', over);
      if (livesMs) timer = setTimeout(() => req.destroy(), livesMs());
    });
  }

  #take({ id, event = 'message', data }: EventSourceMessage): void {
    if (event === 'gap') this.complaints.push(`gap after ${this.cursor}: ${data}`);
    if (id !== undefined) this.cursor = id;
    if (event !== 'message' || id === undefined) return;
    const text = textOf(data);
    this.shown.push({ id, text });
    this.texts.add(text);
  }
}

function textOf(data: string): string {
  try {
    return String((JSON.parse(data) as { message: unknown }).message);
  } catch {
    return data;
  }
}
