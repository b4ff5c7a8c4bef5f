/** The box for writing messages, and the line above it that says what the text is for, besides a new message. */
import { Attaching } from './attaching.js';
import { keepDraft } from './draft.js';
import { element } from './elements.js';
import { say, sayIn, text } from './language.js';
import { lineOf } from './message-row.js';
import { shownName } from './names.js';

/**
 * @param {Frame} frame
 * @param {{ draft: string, longest: number, onSend: (message: string, key: string, files: import('./tray.js').Ready[]) => void,
 *   onTyping: () => void, onUp: () => void, onProblem: (problem: string, values?: import('./language.js').Values) => void }} options
 *   `draft`: the name it is kept under; `onUp`: the arrow key, in an empty box
 */
export function prepareComposer(frame, { draft, longest, onSend, onTyping, onUp, onProblem }) {
  const { form, box, note } = frame;
  const attaching = new Attaching(frame, onProblem);
  const isTouch = matchMedia('(pointer: coarse)');

  // In code points, as the server counts.
  const excess = () => Array.from(messageIn(box.value)).length - longest;

  const check = () => {
    const over = excess();
    note.hidden = over <= 0;
    if (over > 0) {
      say(note, 'tooLong', { n: over });
      box.setAttribute('aria-invalid', 'true');
    } else box.removeAttribute('aria-invalid');
    grow(box);
  };

  const kept = keepDraft(box, draft, check);

  const send = () => {
    if (kept.adopt()) return; // another tab has just sent it
    const message = messageIn(box.value);
    if ((!message && attaching.isEmpty) || excess() > 0) return;
    const { preparing } = attaching;
    if (preparing) void preparing.then((areReady) => areReady && send());
    else {
      onSend(message, kept.take(), attaching.take());
      check();
    }
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
    box.focus();
  });

  box.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowUp' && box.value === '' && !event.isComposing) {
      event.preventDefault();
      onUp();
    }
    // Safari ends the composition before the Enter that ended it arrives. Its key code is then still 229.
    if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229) return;
    const command = event.ctrlKey || event.metaKey;
    const isOnGlass = isTouch.matches && !hasPlace(event);
    if (!command && (event.shiftKey || event.altKey || isOnGlass)) return;
    event.preventDefault();
    send();
  });

  box.addEventListener('input', () => {
    check();
    if (box.value.trim()) onTyping();
  });
  addEventListener('resize', () => grow(box));
  document.addEventListener('keydown', (event) => {
    if (writes(event) && !isElsewhere(event.target)) box.focus({ preventScroll: true });
  });

  check();
  if (!isTouch.matches) box.focus({ preventScroll: true }); // on a touch screen, a keyboard would open

  return {
    takeNoFiles: () => attaching.end(),
    /** @param {string} text that is no draft */
    showInstead(text) {
      attaching.isAway = true;
      kept.showInstead(text);
      check();
    },
    showDraft() {
      attaching.isAway = false;
      kept.showDraft();
      check();
    },
  };
}

/** Removes empty lines at the beginning and blanks at the end. Other blanks at the beginning may be indented code. @param {string} text */
function messageIn(text) {
  const end = text.trimEnd();
  const blank = end.length - end.trimStart().length;
  return end.slice(end.lastIndexOf('\n', blank - 1) + 1);
}

/** Whether this is a physical key, of an attached keyboard: on-screen keyboards give no code. @param {KeyboardEvent} event */
const hasPlace = ({ code }) => code !== '' && code !== 'Unidentified';

/** Whether a key would write or paste into the box. @param {KeyboardEvent} event */
function writes(event) {
  if (event.defaultPrevented || !event.key) return false; // programs that fill in forms send keys without a name
  if (event.getModifierState('AltGraph')) return true;
  if (event.ctrlKey || event.metaKey) return event.key.toLowerCase() === 'v' && !event.altKey;
  if (event.altKey) return false;
  return event.keyCode === 229 || (event.key !== ' ' && Array.from(event.key).length === 1); // a blank scrolls, or presses a button
}

/** @param {EventTarget | null} target */
const isElsewhere = (target) =>
  target instanceof Element && target.closest('input, select, textarea, [contenteditable]');

/** For browsers without `field-sizing: content`. @param {HTMLTextAreaElement} box */
function grow(box) {
  if (CSS.supports('field-sizing', 'content')) return;
  box.style.height = 'auto';
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}

/** @typedef {{ kind: 'reply' | 'edit', message: ShownMessage }} Context */

/** An answer to a message, or its new text. */
export class ComposerContext {
  /** @type {Context | undefined} */ #context;
  #what = element('span', { class: 'context-what' });
  #text = element('span', { class: 'context-text', dir: 'auto' });
  #line = element('div', { class: 'context', hidden: true });

  /** @param {Frame} frame @param {{ isOwn: (message: ShownMessage) => boolean, onEnd: (ended: Context) => void }} options */
  constructor({ form, box }, options) {
    this.options = options;
    this.box = box;
    const cancel = element('button', { type: 'button', class: 'icon-button' }, '✕');
    sayIn(cancel, 'aria-label', 'cancel');
    cancel.addEventListener('click', () => this.end());
    this.#line.append(element('div', {}, this.#what, this.#text), cancel);
    form.prepend(this.#line);
    form.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing || !this.#context) return;
      event.stopPropagation(); // else it leads to the newest message
      this.end();
    });
  }

  get current() {
    return this.#context;
  }

  /** @param {Context} context */
  begin(context) {
    const { kind, message } = context;
    const isOwn = this.options.isOwn(message);
    this.end();
    this.#context = context;
    const who = shownName(message.sender) || text('fromFile');
    say(this.#what, kind === 'edit' ? 'editing' : isOwn ? 'replyingToMe' : 'replyingTo', { who });
    this.show(message);
    this.#line.hidden = false;
    this.box.focus({ preventScroll: true });
  }

  /** The message, which may have changed. @param {ShownMessage} message */
  show(message) {
    this.#text.textContent = lineOf(message);
  }

  end() {
    const ended = this.#context;
    if (!ended) return;
    this.#context = undefined;
    this.#line.hidden = true;
    this.options.onEnd(ended);
    this.box.focus({ preventScroll: true });
  }
}
