/** Keeps a page up to date: reads what is stored, follows the stream from there, and shows the state of the connection. */
import { SharedFeed } from './feed.js';
import { say, text } from './language.js';
import { backOffMs, Refusal } from './server.js';

const TOLD_WITHIN_MS = 2000;
const TOLD_BEFORE_MS = 300;
const WORTH_SAYING_MS = 2000;
const RESTORED_FOR_MS = 3000;

/** @typedef {StreamState | 'offline'} Shown */

export class Connection {
  /** @type {SharedFeed | undefined} */ #feed;
  /** Events that come before the history has loaded. @type {MailEvent[] | undefined} */ #early = [];
  /** @type {StreamState} */ #state = 'connecting';
  #retry = 0;
  #failures = 0;
  #unreachable = false;

  /**
   * @param {{ mailbox: string, person?: string, other?: string, frame: Frame, announce: (wording: string) => void,
   *   outbox: import('./outbox.js').Outbox, read: () => Promise<string>, onEvent: (event: MailEvent) => void,
   *   onLoaded: () => void, onReconnected: () => void, onRefused: (refusal?: Refusal) => void }} options
   *   `read`: resolves to the cursor after the newest message; `onRefused`: trying again is pointless
   */
  constructor(options) {
    this.options = options;
    this.banner = new Banner(options.frame, options.announce);
    options.frame.tryNow.addEventListener('click', () => this.tryNow());
    addEventListener('online', () => {
      this.#show();
      this.tryNow();
    });
    addEventListener('offline', () => this.#feed?.suspect());
    addEventListener('pagehide', () => this.#feed?.close());
    document.addEventListener('visibilitychange', () => document.hidden || this.tryNow());
  }

  get isLoaded() {
    return this.#early === undefined;
  }

  async open() {
    const { mailbox, person, other, outbox, onEvent } = this.options;
    this.banner.set('connecting');
    void outbox.flush();
    this.#feed = new SharedFeed({
      mailbox,
      ...(person === undefined ? { other } : { person }),
      onEvent: (event) => (this.#early ? void this.#early.push(event) : onEvent(event)),
      onState: (state, quietMs) => this.#become(state, quietMs),
      onCursorRefused: () => void this.#load(),
    });
    await this.#load();
  }

  /** Says why access is refused. @param {[string, import('./language.js').Values]} refusal */
  refuse(refusal) {
    this.banner.refusal = refusal;
    this.banner.set('denied');
  }

  /** The network may be back. */
  tryNow() {
    this.#feed?.poke();
    if (this.#early) void this.#load();
    void this.options.outbox.flush();
  }

  /**
   * A message was stored, so the stream must report it: if the stream stays silent, it is dead. The report may come before
   * the answer, but not before the request. @param {object} stored @param {number} requestedAt
   */
  expectNews(stored, requestedAt) {
    this.#feed?.tellSent(stored);
    const since = Math.max(requestedAt, Date.now() - TOLD_BEFORE_MS);
    setTimeout(() => this.#feed?.poke(Date.now() - since), TOLD_WITHIN_MS);
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
    const isNew = !wasConnected || state === 'online'; // 'online' is reported for each new stream
    if (this.#isConnected() && isNew && this.isLoaded) this.options.onReconnected();
  }

  #isConnected() {
    return !this.#unreachable && ['online', 'polling', 'resting'].includes(this.#state);
  }

  /** @param {number} [quietMs] */
  #show(quietMs) {
    const { outbox } = this.options;
    const state = this.#unreachable ? 'reconnecting' : this.#state;
    // The browser may believe that it is offline although the server, on this computer, answers.
    const isOffline = !navigator.onLine && state === 'reconnecting';
    if (state === 'denied') this.options.onRefused();
    else this.banner.set(isOffline ? 'offline' : state, quietMs);
    // At the start nobody knows yet; sending will find out.
    outbox.connected = state === 'connecting' ? undefined : this.#isConnected();
  }
}

/** Says that the page has no connection, once that has lasted a while. Short interruptions are not shown. */
class Banner {
  #timer = 0;
  /** @type {Shown | undefined} */ #connection;
  #shown = false;
  /** Why access is refused. @type {[string, import('./language.js').Values]} */ refusal = ['refused.unknown', {}];

  /** @param {Frame} frame @param {(wording: string) => void} announce */
  constructor(frame, announce) {
    this.frame = frame;
    this.announce = announce;
  }

  /** @param {Shown} connection @param {number} [quietMs] how long the server said it would take */
  set(connection, quietMs = 0) {
    if (connection === this.#connection) return;
    this.#connection = connection;
    document.body.dataset.stream = connection; // what only a stream tells is shown only while there is one
    this.frame.allowWriting(connection === 'denied' ? this.refusal : undefined);
    clearTimeout(this.#timer);
    if (connection === 'online' || connection === 'resting') {
      if (this.#shown) this.#restored();
    } else if (this.#shown || connection === 'denied' || connection === 'offline') this.#show(connection);
    else this.#timer = setTimeout(() => this.#show(connection), quietMs + WORTH_SAYING_MS);
  }

  /** @param {Shown} connection */
  #show(connection) {
    const { banner, wording, tryNow } = this.frame;
    this.#shown = true;
    const [key, values] =
      connection === 'denied' ? this.refusal : [connection === 'offline' ? 'noNetwork' : connection];
    say(wording, key, values);
    banner.dataset.connection = connection;
    tryNow.hidden = connection === 'denied' || connection === 'polling';
    banner.hidden = false;
    this.announce(text(key, values));
  }

  #restored() {
    const { banner, wording, tryNow } = this.frame;
    this.#shown = false;
    if (tryNow.contains(document.activeElement)) document.querySelector('textarea')?.focus();
    say(wording, 'restored');
    banner.dataset.connection = 'online';
    tryNow.hidden = true;
    this.announce(text('restored'));
    this.#timer = setTimeout(() => (banner.hidden = true), RESTORED_FOR_MS);
  }
}
