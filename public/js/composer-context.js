/** What the text in the box is for, besides a new message: an answer to a message, or its new text. */
import { element } from './elements.js';
import { say, sayIn, text } from './language.js';
import { lineOf } from './message-row.js';
import { shownName } from './names.js';

/** @typedef {{ kind: 'reply' | 'edit', message: ShownMessage }} Context */

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
