/** Who is there, who is typing, and how far they have read. Stands outside the log: it changes all the time. */
import { compareIds } from './conversation.js';
import { say, shortWhen } from './language.js';
import { Refusal, reportReceipt } from './server.js';

const NOTICE_FOR_MS = 6000;
const SETTLE_MS = 250;

/** The line under a person's name. @param {HTMLElement} line @param {Presence} presence */
export function showPresence(line, { online, lastSeen }) {
  line.classList.toggle('is-online', online === true);
  if (online) say(line, 'online');
  else if (lastSeen) say(line, 'lastSeen', { when: () => shortWhen(lastSeen) });
  else say(line, 'offline');
}

export class TypingLine {
  #expiry = 0;

  /** @param {HTMLElement} line */
  constructor(line) {
    this.line = line;
  }

  /** @param {string} who @param {number} forMs */
  show(who, forMs) {
    clearTimeout(this.#expiry);
    say(this.line, 'typing', { who });
    this.#expiry = setTimeout(() => this.clear(), forMs);
  }

  clear() {
    clearTimeout(this.#expiry);
    say(this.line, '');
  }
}

/** "<name> online", "<name> offline", for a moment. @param {HTMLElement} line */
export function noticeBoard(line) {
  let end = 0;
  return (/** @type {{ person: string, online: boolean }} */ { person, online }) => {
    clearTimeout(end);
    say(line, online ? 'cameOnline' : 'wentOffline', { who: person });
    end = setTimeout(() => say(line, ''), NOTICE_FOR_MS);
  };
}

/** Tells the server how far this page has received and read. */
export class Receipts {
  #timer = 0;
  /** @type {{ delivered?: string, read?: string }} */ #receipt = {};
  #supported = true;

  /** @param {{ receiver: string, sender: string }} whose */
  constructor(whose) {
    this.whose = whose;
  }

  /** @param {'delivered' | 'read'} how @param {string | undefined} id */
  note(how, id) {
    const before = this.#receipt[how];
    if (!this.#supported || !id || (before && compareIds(id, before) <= 0)) return;
    this.#receipt[how] = id;
    if (!this.#timer) this.#timer = setTimeout(() => void this.#report(), SETTLE_MS);
  }

  async #report() {
    this.#timer = 0;
    try {
      await reportReceipt({ ...this.whose, ...this.#receipt });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.status === 404 || error.status === 405) this.#supported = false;
      // Else the next message's receipt covers this one too.
    }
  }
}
