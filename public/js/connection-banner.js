/** Says that the page has no connection, once that has lasted a while. Short interruptions are not shown. */
import { say, text } from './language.js';

const WORTH_SAYING_MS = 2000;
const RESTORED_FOR_MS = 3000;
/** @typedef {StreamState | 'offline'} Connection */

export class ConnectionBanner {
  #timer = 0;
  /** @type {Connection | undefined} */ #connection;
  #shown = false;
  /** Why access is refused. @type {[string, import('./language.js').Values]} */ refusal = ['refused.unknown', {}];

  /** @param {Frame} frame @param {{ announce: (wording: string) => void, onTryNow: () => void }} options */
  constructor(frame, options) {
    this.frame = frame;
    this.options = options;
    frame.tryNow.addEventListener('click', options.onTryNow);
  }

  /** @param {Connection} connection @param {number} [quietMs] how long the server said it would take */
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

  /** @param {Connection} connection */
  #show(connection) {
    const { banner, wording, tryNow } = this.frame;
    this.#shown = true;
    const [key, values] =
      connection === 'denied' ? this.refusal : [connection === 'offline' ? 'noNetwork' : connection];
    say(wording, key, values);
    banner.dataset.connection = connection;
    tryNow.hidden = connection === 'denied' || connection === 'polling';
    banner.hidden = false;
    this.options.announce(text(key, values));
  }

  #restored() {
    const { banner, wording, tryNow } = this.frame;
    this.#shown = false;
    if (tryNow.contains(document.activeElement)) document.querySelector('textarea')?.focus();
    say(wording, 'restored');
    banner.dataset.connection = 'online';
    tryNow.hidden = true;
    this.options.announce(text('restored'));
    this.#timer = setTimeout(() => (banner.hidden = true), RESTORED_FOR_MS);
  }
}
