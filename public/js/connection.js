/** Keeps a page up to date: reads what is stored, then follows the stream from there, and shows how that goes. */
import { backOffMs, Refusal } from './server.js';
import { openFeed } from './stream.js';

export class Connection {
  /** @type {Feed | undefined} */ #feed;
  /** What comes before the history is there. @type {MailEvent[] | undefined} */ #early = [];
  /** @type {StreamState} */ #state = 'connecting';
  #retry = 0;
  #failures = 0;
  #unreachable = false;

  /**
   * @param {{ mailbox: string, person?: string, other?: string, banner: import('./connection-banner.js').ConnectionBanner,
   *   outbox: import('./outbox.js').Outbox, read: () => Promise<string>, onEvent: (event: MailEvent) => void,
   *   onLoaded: () => void, onReconnected: () => void, onRefused: (refusal?: Refusal) => void }} options
   *   `read`: resolves to the cursor after the newest; `onRefused`: trying again is of no use
   */
  constructor(options) {
    this.options = options;
    addEventListener('online', () => {
      this.#show();
      this.tryNow();
    });
    addEventListener('offline', () => this.#show());
    addEventListener('pagehide', () => this.#feed?.close());
    document.addEventListener('visibilitychange', () => document.hidden || this.tryNow());
  }

  get isLoaded() {
    return this.#early === undefined;
  }

  async open() {
    const { mailbox, person, other, banner, outbox, onEvent } = this.options;
    banner.set(navigator.onLine ? 'connecting' : 'offline');
    void outbox.flush();
    this.#feed = await openFeed({
      mailbox,
      ...(person === undefined ? { other } : { person }),
      onEvent: (event) => (this.#early ? void this.#early.push(event) : onEvent(event)),
      onState: (state, quietMs) => this.#become(state, quietMs),
      onCursorRefused: () => void this.#load(),
    });
    await this.#load();
  }

  /** The network may be back. */
  tryNow() {
    this.#feed?.poke();
    if (this.#early) void this.#load();
    void this.options.outbox.flush();
  }

  async #load() {
    const { read, onEvent, onLoaded, onRefused } = this.options;
    clearTimeout(this.#retry);
    try {
      const cursor = await read();
      this.#failures = 0;
      this.#unreachable = false;
      this.#feed?.start(cursor);
      this.#show();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.isFinal) return onRefused(error);
      this.#unreachable = true;
      this.#show();
      this.#retry = setTimeout(() => void this.#load(), error.retryAfterMs ?? backOffMs(this.#failures++));
      return;
    }
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) onEvent(event);
    onLoaded();
  }

  /** @param {StreamState} state @param {number} [quietMs] */
  #become(state, quietMs) {
    const wasConnected = this.#isConnected();
    this.#state = state;
    this.#show(quietMs);
    if (!wasConnected && this.#isConnected() && this.isLoaded) this.options.onReconnected();
  }

  #isConnected() {
    return !this.#unreachable && (this.#state === 'online' || this.#state === 'polling');
  }

  /** @param {number} [quietMs] */
  #show(quietMs) {
    const { banner, outbox } = this.options;
    const state = this.#unreachable ? 'reconnecting' : this.#state;
    if (state === 'denied') this.options.onRefused();
    else banner.set(navigator.onLine ? state : 'offline', quietMs);
    // At the start nobody knows yet; a send will find out.
    outbox.connected = navigator.onLine && (this.#isConnected() || state === 'connecting');
  }
}
