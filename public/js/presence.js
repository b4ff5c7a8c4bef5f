/** Whether the other one is there, and whether they are typing. Stands outside the log: it changes all the time. */
import { shortWhen } from './clock.js';
import { say } from './language.js';

// Reloading a page or changing networks is not going away.
const GRACE_MS = 10_000;

/** The line under a person's name. */
export class PresenceLine {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #leaving;

  /** @param {HTMLElement} line */
  constructor(line) {
    this.line = line;
  }

  /** What the server says at first. @param {{ online?: boolean, lastSeen?: string | number | null }} presence */
  set({ online, lastSeen }) {
    clearTimeout(this.#leaving);
    this.#leaving = undefined;
    this.line.classList.toggle('is-online', online === true);
    if (online) say(this.line, 'online');
    else if (lastSeen) say(this.line, 'lastSeen', { when: () => shortWhen(new Date(lastSeen).getTime()) });
    else say(this.line, 'offline');
  }

  /** What has changed since. @param {{ online?: boolean, lastSeen?: string | number | null }} presence */
  change(presence) {
    if (presence.online || !this.line.classList.contains('is-online')) this.set(presence);
    else this.#leaving ??= setTimeout(() => this.set(presence), GRACE_MS);
  }
}

/** The line that tells of somebody typing. */
export class TypingLine {
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #expiry;

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
