/** Short notes beside the log: for screen readers in the status line, for display above the composer, and about a person. */
import { say, text } from './language.js';
import { shortWhen } from './times.js';

const STATUS_FOR_MS = 10_000;
const UNDO_FOR_MS = 30_000;
const BURST = { messages: 3, withinMs: 2000 };

export class StatusLine {
  #end = 0;

  /** @param {HTMLElement} line */
  constructor(line) {
    this.line = line;
  }

  /** @param {string} wording */
  say(wording) {
    clearTimeout(this.#end);
    this.line.textContent = wording;
    this.#end = setTimeout(() => (this.line.textContent = ''), STATUS_FOR_MS);
  }
}

export class NoteLine {
  #end = 0;
  #undoEnd = 0;
  #undo = () => {};

  /** @param {Frame} frame @param {StatusLine} status */
  constructor(frame, status) {
    this.frame = frame;
    this.status = status;
    frame.undoButton.addEventListener('click', () => {
      this.#undo();
      frame.box.focus({ preventScroll: true }); // the button goes away
      this.#endUndo();
    });
  }

  /** @param {string} key @param {number} seconds @param {import('./language.js').Values} [values] */
  show(key, seconds, values = { n: seconds }) {
    const { note } = this.frame;
    say(note, key, values);
    this.status.say(note.textContent);
    note.hidden = false;
    clearTimeout(this.#end);
    this.#end = setTimeout(() => (note.hidden = true), seconds * 1000);
  }

  /** @param {() => void} undo */
  offerUndo(undo) {
    this.#undo = undo;
    this.frame.undo.hidden = false;
    this.status.say(text('deleted'));
    clearTimeout(this.#undoEnd);
    this.#undoEnd = setTimeout(() => this.#endUndo(), UNDO_FOR_MS);
  }

  #endUndo() {
    clearTimeout(this.#undoEnd);
    this.frame.undo.hidden = true;
    this.#undo = () => {};
  }
}

/** Messages are counted instead of read out if more than a few arrive together, or while the log is silent. */
export class Burst {
  #count = 0;
  #isUnheard = false;

  /** @param {import('./log-view.js').LogView} view @param {(count: number) => void} onEnd */
  constructor(view, onEnd) {
    this.view = view;
    this.onEnd = onEnd;
  }

  /** @param {number} count */
  add(count) {
    if (!this.#count && count) setTimeout(() => this.#end(), BURST.withinMs);
    this.#count += count;
    if (this.#count > BURST.messages) this.view.silence();
    // A change that came with them may have silenced the log by then.
    if (count) queueMicrotask(() => (this.#isUnheard ||= this.view.isSilent));
  }

  #end() {
    if (this.#isUnheard) this.onEnd(this.#count);
    this.#count = 0;
    this.#isUnheard = false;
  }
}

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
