/** Follows the content of a mailbox's files. Knows nothing about the page. */
import { backOffMs, Refusal } from '../js/server.js';

// Relative to this module, so that it works under any mount.
const INSPECT = new URL('../inspect', import.meta.url);

/** @param {string} [mailbox] */
function address(mailbox) {
  const url = new URL(INSPECT);
  if (mailbox !== undefined) url.searchParams.set('mailbox', mailbox);
  return url;
}

/** The reason that the server gives for a refusal. */
export class Denial extends Error {}

/** @param {URL} url */
async function ask(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) }).catch(() => undefined);
  if (!response) throw new Refusal(0);
  if (response.ok) return await response.json();
  if (response.status < 500 && response.status !== 429) {
    throw new Denial((await response.json().catch(() => ({}))).message ?? response.statusText);
  }
  throw new Refusal(response.status);
}

/** @returns {Promise<{ mailboxes: string[], dir: string | null }>} */
export const readMailboxes = () => ask(address());

export class LookStream {
  /** @type {EventSource | undefined} */ #source;
  #retry = 0;
  #failures = 0;

  /** @param {{ onLook: (look: Look) => void, onState: (state: LookState, why?: string) => void }} options */
  constructor({ onLook, onState }) {
    this.onLook = onLook;
    this.onState = onState;
  }

  /** @param {string} mailbox */
  follow(mailbox) {
    this.close();
    const source = new EventSource(address(mailbox));
    this.#source = source;
    source.addEventListener('look', ({ data }) => {
      this.#failures = 0;
      this.onState('live');
      this.onLook(JSON.parse(data));
    });
    source.addEventListener('bye', ({ data }) => {
      const { reason, retryMs } = JSON.parse(data);
      this.close();
      if (reason === 'revoked') {
        void this.#diagnose(mailbox);
        return;
      }
      this.onState(reason === 'busy' && retryMs >= 10_000 ? 'busy' : 'reconnecting');
      this.#followIn(mailbox, retryMs);
    });
    source.addEventListener('error', () => {
      this.onState('reconnecting');
      // In the state CONNECTING, the browser tries again by itself; CLOSED is final.
      if (source.readyState !== EventSource.CLOSED || source !== this.#source) return;
      this.close();
      void this.#diagnose(mailbox);
    });
  }

  close() {
    clearTimeout(this.#retry);
    this.#source?.close();
    this.#source = undefined;
  }

  /** An EventSource does not tell which answer has ended it. An ordinary request does. @param {string} mailbox */
  async #diagnose(mailbox) {
    try {
      await ask(address(mailbox));
    } catch (error) {
      if (error instanceof Denial) return this.onState('denied', error.message);
      if (!(error instanceof Refusal)) throw error;
    }
    if (!this.#source) this.#followIn(mailbox, backOffMs(this.#failures++));
  }

  /** @param {string} mailbox @param {number} ms */
  #followIn(mailbox, ms) {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.follow(mailbox), ms);
  }
}
