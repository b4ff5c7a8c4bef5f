/** Follows a mailbox from a cursor, whatever happens to the connection. */
import { checkConnections } from './connections.js';
import { CHANGES } from './fold.js';
import { backOffMs, pollMailbox, Refusal, streamAddress } from './server.js';

const STORED = ['message', ...CHANGES];
const EVENTS = [...STORED, 'ready', 'ping', 'bye', 'gap', 'presence', 'typing', 'sent', 'delivered', 'read'];
const POLL_S = 25;
const REST_MS = 3000;
const MOST_OTHERS = 50;
const GATHER_MS = 50;
// For a connection that may be dead, and for one that was just found alive.
const READY_WITHIN_MS = { any: 1500, live: 4000 };
const BROWSER_RETRIES_WITHIN_MS = 9000;
const TRUSTED_FOR_MS = 5000;
const TRIED_FOR_MS = 1000;
// After a while, try a stream again: the proxy that held it back may be gone.
const POLLING_MS = 5 * 60_000;

export class MailStream {
  /** @type {EventSource | undefined} */ #source;
  /** @type {AbortController | undefined} */ #polling;
  /** @type {StreamState} */ state = 'connecting';
  /** @type {'stream' | 'rest'} */ #mode = 'stream';
  /** @type {keyof typeof READY_WITHIN_MS} */ #over = 'any';
  /** @type {Set<string>} */ #others = new Set();
  #cursor = '';
  #timer = 0;
  #failures = 0;
  #muted = 0;
  #heartbeatMs = 15_000;
  #heardAt = 0;
  #carriesEvents = false;

  /** @param {FeedOptions} options */
  constructor(options) {
    this.options = options;
  }

  /** The person whose presence the stream reports, too. @param {string | undefined} other */
  attend(other) {
    if (!other || this.#others.has(other)) return;
    if (this.#others.size === MOST_OTHERS) this.#others.clear();
    this.#others.add(other);
    if (this.#source) this.#in(GATHER_MS, () => this.#begin()); // several tabs may add theirs at once
  }

  get isStarted() {
    return this.#cursor !== '';
  }

  /** @param {string} cursor */
  start(cursor) {
    this.#cursor = cursor;
    this.#failures = 0;
    this.#begin();
  }

  /** `rest`: polls now and then instead of holding a connection. @param {'stream' | 'rest'} mode */
  set mode(mode) {
    if (mode === this.#mode) return;
    this.#mode = mode;
    if (this.isStarted && this.state !== 'denied') this.#begin();
  }

  /** Somebody looks, or the network may be back: opens the stream again if it was silent for too long. */
  poke(trustedMs = TRUSTED_FOR_MS) {
    if (!this.isStarted) return;
    const silentMs = Date.now() - this.#heardAt;
    const isUsed = this.#source !== undefined || this.#polling !== undefined;
    const isLive = ['online', 'polling', 'resting'].includes(this.state);
    if (isUsed && silentMs >= 0 && silentMs < (isLive ? trustedMs : TRIED_FOR_MS)) return;
    this.#failures = 0;
    if (this.state === 'polling') this.#longPoll();
    else this.#begin();
  }

  /** The browser believes that it is offline. What counts is whether the server answers. */
  async suspect() {
    if (!this.isStarted || this.state === 'denied' || (await checkConnections())) return;
    this.#clear();
    this.#become('reconnecting');
    this.#backOff();
  }

  close() {
    this.#clear();
    this.#cursor = '';
    this.state = 'connecting';
  }

  get #from() {
    const { mailbox, person } = this.options;
    return { mailbox, person, others: this.#others, cursor: this.#cursor };
  }

  #begin() {
    if (this.#mode === 'rest') void this.#ask('resting', Infinity);
    else this.#connect('any');
  }

  /** @param {keyof typeof READY_WITHIN_MS} over */
  #connect(over) {
    this.#clear();
    const source = new EventSource(streamAddress(this.#from));
    this.#source = source;
    this.#over = over;
    this.#carriesEvents = false;
    this.#heardAt = Date.now();
    this.#in(READY_WITHIN_MS[over], () => void this.#doubt());
    for (const type of EVENTS) source.addEventListener(type, (event) => this.#heard(event));
    source.addEventListener('error', () => this.#broken(source));
  }

  /** @param {MessageEvent<string>} event */
  #heard({ type, data, lastEventId: id }) {
    this.#heardAt = Date.now();
    this.#in(1.5 * this.#heartbeatMs, () => void this.#doubt());
    if (type === 'bye') return this.#bye(JSON.parse(data));
    if (id) this.#cursor = id;
    if (type === 'ready') return this.#ready(JSON.parse(data));
    if (type === 'ping' || STORED.includes(type)) {
      this.#carriesEvents = true;
      this.#muted = 0;
    }
    if (type !== 'ping') this.options.onEvent({ type, id, data });
  }

  /** @param {{ heartbeatMs?: number }} welcome */
  #ready({ heartbeatMs }) {
    this.#heartbeatMs = heartbeatMs || this.#heartbeatMs;
    this.#in(1.5 * this.#heartbeatMs, () => void this.#doubt());
    this.#failures = 0;
    this.#become('online');
  }

  /**
   * The stream is silent. Either its connection is dead, and a new one helps, or a proxy holds it back. The proof of that is
   * a stream over a live connection that stays silent while requests are answered.
   */
  async #doubt() {
    const source = this.#source;
    const heardAt = this.#heardAt;
    const isAnswered = await checkConnections();
    if (source !== this.#source || heardAt !== this.#heardAt) return;
    this.#become('reconnecting');
    if (!isAnswered) {
      this.#clear();
      return this.#backOff();
    }
    if (this.#over === 'live' && !this.#carriesEvents) this.#muted++;
    if (this.#muted >= 2) this.#longPoll();
    else this.#connect('live');
  }

  /** @param {{ reason?: string, retryMs?: number }} farewell */
  #bye({ reason, retryMs = 2000 }) {
    this.#clear();
    if (reason === 'revoked') return this.#become('denied');
    this.#become('reconnecting', retryMs);
    this.#in(retryMs, () => this.#begin());
  }

  /** @param {EventSource} source */
  #broken(source) {
    if (source !== this.#source) return;
    this.#over = 'any';
    this.#become('reconnecting');
    // In the state CONNECTING, the browser tries again by itself; CLOSED is final.
    if (source.readyState !== EventSource.CLOSED) {
      return this.#in(BROWSER_RETRIES_WITHIN_MS, () => void this.#doubt());
    }
    this.#clear();
    void this.#diagnose();
  }

  /** An EventSource does not tell which answer has ended it. An ordinary request does. */
  async #diagnose() {
    try {
      await pollMailbox({ ...this.#from, waitS: 0 });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.isDenied) return this.#become('denied');
      if (error.status === 400) {
        this.#cursor = '';
        return this.options.onCursorRefused();
      }
    }
    if (this.isStarted && !this.#source && !this.#polling) this.#backOff();
  }

  #backOff() {
    this.#in(backOffMs(this.#failures++), () => this.#begin());
  }

  /** Sets what happens next unless something else happens first. @param {number} ms @param {() => void} then */
  #in(ms, then) {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(then, ms);
  }

  /** Polls, for networks whose proxy holds streams back. */
  #longPoll() {
    this.#muted = 0;
    void this.#ask('polling', Date.now() + POLLING_MS);
  }

  /** Polls again and again. @param {'polling' | 'resting'} state @param {number} until */
  async #ask(state, until) {
    this.#clear();
    const { signal } = (this.#polling = new AbortController());
    this.#heardAt = Date.now();
    try {
      for (let waitS = 0; Date.now() < until; waitS = state === 'polling' ? POLL_S : 0) {
        const answer = await pollMailbox({ ...this.#from, waitS, signal });
        if (signal.aborted) return;
        this.#heardAt = Date.now();
        this.#become(state);
        if (answer.gap) this.options.onEvent({ type: 'gap', data: '{}' });
        for (const event of answer.events) this.options.onEvent({ ...event, type: event.type ?? 'message' });
        this.#cursor = answer.cursor;
        if (state === 'resting') await new Promise((resolve) => setTimeout(resolve, REST_MS));
        if (signal.aborted) return;
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (signal.aborted) return;
      this.#clear();
      this.#become('reconnecting');
      return this.#diagnose();
    }
    this.#connect('any');
  }

  /** Reports a state. Each new stream is reported, since something may have been missed before it. @param {StreamState} state @param {number} [quietMs] */
  #become(state, quietMs) {
    if (state === this.state && state !== 'online') return;
    this.state = state;
    this.options.onState(state, quietMs);
  }

  #clear() {
    this.#source?.close();
    this.#source = undefined;
    this.#polling?.abort();
    this.#polling = undefined;
    clearTimeout(this.#timer);
  }
}
