/** Says, once it has lasted, that the page has no connection; a short hiccup is nobody's business. */
import { say, text } from './language.js';

const WORTH_SAYING_MS = 2000;
const RESTORED_FOR_MS = 3000;
const WORDING = {
  connecting: 'connecting',
  reconnecting: 'reconnecting',
  offline: 'noNetwork',
  denied: 'denied',
  polling: 'polling',
};

/** @typedef {keyof typeof WORDING | 'online'} Connection */

/** The strip under the header. */
export class ConnectionBanner {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  /** @type {Connection} */ #connection = 'online';
  #shown = false;

  /** @param {{ banner: HTMLElement, wording: HTMLElement, button: HTMLElement, announce: (wording: string) => void, onTryNow: () => void }} options */
  constructor(options) {
    this.options = options;
    options.button.addEventListener('click', options.onTryNow);
  }

  /** @param {Connection} connection @param {number} [quietMs] how long it was announced to take */
  set(connection, quietMs = 0) {
    if (connection === this.#connection) return;
    this.#connection = connection;
    clearTimeout(this.#timer);
    if (connection === 'online') {
      if (this.#shown) this.#restored();
    } else if (this.#shown || connection === 'denied' || connection === 'offline') this.#show(connection);
    else this.#timer = setTimeout(() => this.#show(connection), quietMs + WORTH_SAYING_MS);
  }

  /** @param {keyof typeof WORDING} connection */
  #show(connection) {
    const { banner, wording, button, announce } = this.options;
    this.#shown = true;
    say(wording, WORDING[connection]);
    banner.dataset.connection = connection;
    button.hidden = connection === 'denied' || connection === 'polling';
    banner.hidden = false;
    announce(text(WORDING[connection]));
  }

  #restored() {
    const { banner, wording, button, announce } = this.options;
    this.#shown = false;
    if (button.contains(document.activeElement)) document.querySelector('textarea')?.focus();
    say(wording, 'restored');
    banner.dataset.connection = 'online';
    button.hidden = true;
    announce(text('restored'));
    this.#timer = setTimeout(() => (banner.hidden = true), RESTORED_FOR_MS);
  }
}
