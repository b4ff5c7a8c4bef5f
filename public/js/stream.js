/**
 * Follows one mailbox from a cursor for as long as it is asked to, whatever happens to the connection.
 * Runs in a page as well as in a worker.
 *
 * @typedef {import('./server.js').MailEvent} MailEvent
 * @typedef {'connecting' | 'online' | 'polling' | 'reconnecting' | 'denied'} StreamState
 */
import { pollMailbox, Refusal, streamAddress } from './server.js';

const BACK_OFF_S = [1, 2, 5, 10, 30];
const NAMED = ['gap', 'presence', 'typing', 'sent', 'delivered', 'read'];
const POLL_S = 25;
// A proxy that mutes streams may be gone after a while: polling is tried for so long, then a stream again.
const POLLING_MS = 5 * 60_000;

/** A mailbox's stream. `start` it with a cursor; it asks for another one when the server refuses that. */
export class MailStream {
  /** @type {EventSource | undefined} */ #source;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retry;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #watchdog;
  /** @type {AbortController | undefined} */ #poll;
  /** @type {StreamState} */ state = 'connecting';
  #cursor = '';
  #failures = 0;
  #muted = 0;
  #heartbeatMs = 15_000;
  #heardAt = 0;
  #failedSinceOpen = false;

  /**
   * @param {{ mailbox: string, person?: string, onEvent: (event: MailEvent) => void,
   *   onState: (state: StreamState, quietMs?: number) => void, onCursorRefused: () => void }} options
   *   `onState`'s `quietMs`: how long a reconnection that was announced may take before anybody need worry.
   */
  constructor(options) {
    this.options = options;
  }

  /** Whether it has a cursor to go on from. */
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

  #connect() {
    this.#clear();
    const source = new EventSource(streamAddress({ ...this.options, cursor: this.#cursor }));
    this.#source = source;
    this.#failedSinceOpen = false;
    this.#heardAt = Date.now();
    this.#watch();
    const heard = (/** @type {MessageEvent<string>} */ event) => this.#heard(event);
    source.addEventListener('message', heard);
    for (const name of NAMED) source.addEventListener(name, heard);
    source.addEventListener('ping', (event) => {
      this.#muted = 0;
      heard(event);
    });
    source.addEventListener('ready', (event) => {
      this.#heartbeatMs = JSON.parse(event.data).heartbeatMs || this.#heartbeatMs;
      this.#failures = 0;
      this.#failedSinceOpen = false;
      heard(event);
      this.#become('online');
    });
    source.addEventListener('bye', (event) => this.#bye(JSON.parse(event.data)));
    source.addEventListener('error', () => this.#broken(source));
  }

  /** @param {MessageEvent<string>} event */
  #heard(event) {
    this.#heardAt = Date.now();
    this.#watch();
    if (event.lastEventId) this.#cursor = event.lastEventId;
    if (event.type === 'ping' || event.type === 'ready') return;
    if (event.type === 'message') this.#muted = 0;
    this.options.onEvent({ type: event.type, id: event.lastEventId, data: event.data });
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
      await pollMailbox({ ...this.options, cursor: this.#cursor, waitS: 0 });
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
    const seconds = BACK_OFF_S[Math.min(this.#failures++, BACK_OFF_S.length - 1)] ?? 30;
    this.#connectIn(seconds * 1000 * (1 + Math.random() / 4));
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
        const answer = await pollMailbox({ ...this.options, cursor: this.#cursor, waitS, signal: poll.signal });
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
