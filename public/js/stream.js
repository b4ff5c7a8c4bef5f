/** Follows a mailbox from a cursor, whatever happens to the connection: in this page, or in a worker for all tabs. */
import { backOffMs, pollMailbox, Refusal, streamAddress } from './server.js';

const EVENTS = ['message', 'ready', 'ping', 'bye', 'gap', 'presence', 'typing', 'sent', 'delivered', 'read'];
const POLL_S = 25;
const MOST_OTHERS = 50;
const WELCOME_WITHIN_MS = 2000;
// The muting proxy may be gone after a while: then a stream again.
const POLLING_MS = 5 * 60_000;

export class MailStream {
  /** @type {EventSource | undefined} */ #source;
  #retry = 0;
  #watchdog = 0;
  /** @type {AbortController | undefined} */ #poll;
  /** @type {StreamState} */ state = 'connecting';
  /** @type {Set<string>} */ #others = new Set();
  #cursor = '';
  #failures = 0;
  #muted = 0;
  #heartbeatMs = 15_000;
  #heardAt = 0;
  #failedSinceOpen = false;

  /** @param {FeedOptions} options */
  constructor(options) {
    this.options = options;
    this.attend(options.other);
  }

  /** Whose coming and going is told too. @param {string | undefined} other */
  attend(other) {
    if (!other || this.#others.has(other)) return;
    if (this.#others.size === MOST_OTHERS) this.#others.clear();
    this.#others.add(other);
    if (this.#source) this.#connect();
  }

  get isStarted() {
    return this.#cursor !== '';
  }

  /** @param {string} cursor */
  start(cursor) {
    this.#cursor = cursor;
    this.#failures = 0;
    this.#connect();
  }

  /** The network may be back: look now instead of when the back-off ends. */
  poke() {
    if (!this.isStarted) return;
    const silent = Date.now() - this.#heardAt > 1.5 * this.#heartbeatMs;
    if (this.state === 'reconnecting' || this.state === 'denied' || (this.state === 'online' && silent)) {
      this.#failures = 0;
      this.#connect();
    }
  }

  close() {
    this.#clear();
    this.#cursor = '';
  }

  get #from() {
    const { mailbox, person } = this.options;
    return { mailbox, person, others: this.#others, cursor: this.#cursor };
  }

  #connect() {
    this.#clear();
    const source = new EventSource(streamAddress(this.#from));
    this.#source = source;
    this.#failedSinceOpen = false;
    this.#heardAt = Date.now();
    this.#watch();
    for (const type of EVENTS) source.addEventListener(type, (event) => this.#heard(event));
    source.addEventListener('error', () => this.#broken(source));
  }

  /** @param {MessageEvent<string>} event */
  #heard({ type, data, lastEventId: id }) {
    if (type === 'bye') return this.#bye(JSON.parse(data));
    if (id) this.#cursor = id;
    if (type === 'ready') this.#ready(JSON.parse(data));
    else if (type !== 'ping') this.options.onEvent({ type, id, data });
    if (type === 'ping' || type === 'message') this.#muted = 0;
    this.#heardAt = Date.now();
    this.#watch();
  }

  /** @param {{ heartbeatMs?: number }} welcome */
  #ready({ heartbeatMs }) {
    this.#heartbeatMs = heartbeatMs || this.#heartbeatMs;
    this.#failures = 0;
    this.#failedSinceOpen = false;
    this.#become('online');
  }

  /** A proxy or a sleeping laptop can leave a stream that looks open and says nothing. */
  #watch() {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => {
      if (!this.#failedSinceOpen) this.#muted++;
      this.#become('reconnecting');
      if (this.#muted >= 2) void this.#longPoll();
      else this.#connect();
    }, 2 * this.#heartbeatMs);
  }

  /** @param {{ reason?: string, retryMs?: number }} farewell */
  #bye({ reason, retryMs = 2000 }) {
    this.#clear();
    if (reason === 'revoked') return this.#become('denied');
    this.#become('reconnecting', retryMs);
    this.#connectIn(retryMs);
  }

  /** @param {EventSource} source */
  #broken(source) {
    if (source !== this.#source) return;
    this.#failedSinceOpen = true;
    this.#become('reconnecting');
    // While it says CONNECTING the browser tries again by itself; CLOSED is for good.
    if (source.readyState === EventSource.CLOSED) {
      this.#clear();
      void this.#diagnose();
    }
  }

  /** An EventSource does not tell what answer has ended it; an ordinary request does. */
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
    if (this.isStarted && !this.#source) this.#backOff();
  }

  #backOff() {
    this.#connectIn(backOffMs(this.#failures++));
  }

  /** @param {number} ms */
  #connectIn(ms) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#connect(), ms);
  }

  /** For networks whose proxy holds streams back. */
  async #longPoll() {
    this.#clear();
    const poll = new AbortController();
    this.#poll = poll;
    this.#muted = 0;
    const until = Date.now() + POLLING_MS;
    try {
      for (let waitS = 0; Date.now() < until; waitS = POLL_S) {
        const answer = await pollMailbox({ ...this.#from, waitS, signal: poll.signal });
        if (poll.signal.aborted) return;
        this.#heardAt = Date.now();
        this.#become('polling');
        if (answer.gap) this.options.onEvent({ type: 'gap', data: '{}' });
        for (const event of answer.events) this.options.onEvent({ ...event, type: event.type ?? 'message' });
        this.#cursor = answer.cursor;
      }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (poll.signal.aborted) return;
      this.#become('reconnecting');
      return this.#diagnose();
    }
    this.#connect();
  }

  /** @param {StreamState} state @param {number} [quietMs] */
  #become(state, quietMs) {
    if (state === this.state) return;
    this.state = state;
    this.options.onState(state, quietMs);
  }

  #clear() {
    this.#source?.close();
    this.#source = undefined;
    this.#poll?.abort();
    this.#poll = undefined;
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
  }
}

/**
 * Resolves once every event from now on will be passed on; then read the history and `start` with its cursor.
 * @param {FeedOptions} options @returns {Promise<Feed>}
 */
export async function openFeed(options) {
  return (await openSharedFeed(options)) ?? new MailStream(options);
}

/** @param {FeedOptions} options @returns {Promise<Feed | undefined>} */
function openSharedFeed({ mailbox, person, other, onEvent, onState, onCursorRefused }) {
  if (typeof SharedWorker === 'undefined') return Promise.resolve(undefined);
  return new Promise((resolve) => {
    const name = `${mailbox} ${person ?? ''}`;
    const worker = new SharedWorker(new URL('./stream-worker.js', import.meta.url), { type: 'module', name });
    const { port } = worker;
    const giveUp = () => {
      port.postMessage({ bye: true });
      port.close();
      resolve(undefined);
    };
    const patience = setTimeout(giveUp, WELCOME_WITHIN_MS);
    worker.addEventListener('error', giveUp);
    port.addEventListener('message', ({ data }) => {
      if (data.event) onEvent(data.event);
      if (data.state) onState(data.state, data.quietMs);
      if (data.cursorRefused) onCursorRefused();
      if (!data.welcome) return;
      clearTimeout(patience);
      worker.removeEventListener('error', giveUp);
      resolve({
        start: (cursor) => port.postMessage({ start: cursor }),
        poke: () => port.postMessage({ poke: true }),
        close: () => port.postMessage({ bye: true }),
      });
    });
    port.start();
    port.postMessage({ hello: { mailbox, person, other } });
  });
}
