/** Who is online, who is typing, and how far they have read. It is outside the log, because it changes all the time. */
import { compareIds } from './positions.js';
import { say } from './language.js';
import { Refusal, reportReceipt } from './server.js';
import { shortWhen } from './times.js';

const SETTLE_MS = 250;

/** The line under a person's name. @param {HTMLElement} line @param {Presence} presence */
export function showPresence(line, { online, lastSeen }) {
  line.classList.toggle('is-online', online === true);
  if (online) say(line, 'online');
  else if (lastSeen) say(line, 'lastSeen', { when: () => shortWhen(lastSeen) });
  else say(line, 'offline');
}

/** A line that shows a text for a while. */
export class PassingLine {
  #end = 0;

  /** @param {HTMLElement} line */
  constructor(line) {
    this.line = line;
  }

  /** @param {string} key @param {string} [who] @param {number} [forMs] */
  show(key, who = '', forMs = 6000) {
    clearTimeout(this.#end);
    say(this.line, key, { who });
    if (key) this.#end = setTimeout(() => this.show(''), forMs);
  }
}

/** Reports to the server how far this page has received and read. */
export class Receipts {
  #timer = 0;
  /** @type {{ delivered?: string, read?: string }} */ #receipt = {};

  /** @param {{ receiver: string, sender: string }} whose */
  constructor(whose) {
    this.whose = whose;
  }

  /** @param {'delivered' | 'read'} how @param {string | undefined} id */
  note(how, id) {
    const before = this.#receipt[how];
    if (!id || (before && compareIds(id, before) <= 0)) return;
    this.#receipt[how] = id;
    if (!this.#timer) this.#timer = setTimeout(() => void this.#report(), SETTLE_MS);
  }

  async #report() {
    this.#timer = 0;
    try {
      await reportReceipt({ ...this.whose, ...this.#receipt });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // the receipt of the next message covers this one, too
    }
  }
}
