/** Tells the server how far this page has received and read, a moment after the last change. */
import { compareIds } from './conversation.js';
import { Refusal, reportReceipt } from './server.js';

const SETTLE_MS = 250;

/** The receipts of one conversation. */
export class Receipts {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;
  #delivered = '';
  #read = '';
  #reported = '';
  #supported = true;

  /** @param {{ receiver: string, sender: string }} whose */
  constructor(whose) {
    this.whose = whose;
  }

  /** @param {string | undefined} id */
  delivered(id) {
    if (!id || (this.#delivered && compareIds(id, this.#delivered) <= 0)) return;
    this.#delivered = id;
    this.#soon();
  }

  /** @param {string | undefined} id */
  read(id) {
    if (!id || (this.#read && compareIds(id, this.#read) <= 0)) return;
    this.#read = id;
    this.#soon();
  }

  #soon() {
    if (this.#supported && !this.#timer) this.#timer = setTimeout(() => void this.#report(), SETTLE_MS);
  }

  async #report() {
    this.#timer = undefined;
    const receipt = { ...this.whose, delivered: this.#delivered || undefined, read: this.#read || undefined };
    const wording = JSON.stringify(receipt);
    if (wording === this.#reported) return;
    try {
      await reportReceipt(receipt);
      this.#reported = wording;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 404 || error.status === 405) this.#supported = false;
      // Else the next message's receipt covers this one too.
    }
  }
}
