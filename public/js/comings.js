/** Who comes into a room, and who leaves it. */
import { say } from './language.js';

// Reloading a page is neither leaving nor coming.
const GRACE_MS = 10_000;
const NOTICE_FOR_MS = 6000;

/** "<name> online", "<name> offline": only of who stays, or stays away, longer than a reload takes. */
export class Comings {
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */ #leaving = new Map();
  /** @type {Set<string>} */ #here = new Set();
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #end;

  /** @param {string} me @param {HTMLElement} line */
  constructor(me, line) {
    this.me = me;
    this.line = line;
  }

  /** @param {{ person: string, online: boolean }} presence */
  tell({ person, online }) {
    if (person === this.me) return;
    clearTimeout(this.#leaving.get(person));
    this.#leaving.delete(person);
    if (!online) {
      const leave = setTimeout(() => {
        this.#here.delete(person);
        this.#show('wentOffline', person);
      }, GRACE_MS);
      this.#leaving.set(person, leave);
    } else if (!this.#here.has(person)) {
      this.#here.add(person);
      this.#show('cameOnline', person);
    }
  }

  /** @param {string} key @param {string} who */
  #show(key, who) {
    clearTimeout(this.#end);
    say(this.line, key, { who });
    this.#end = setTimeout(() => say(this.line, ''), NOTICE_FOR_MS);
  }
}
