/** The menu of a message: reactions first, then what else can be done with it. */
import { element } from './elements.js';
import { text } from './language.js';
import './later-style.js';
import { emojiIn } from './message-row.js';

const QUICK = ['👍', '❤️', '😂', '😮', '😢', '🙏'];

/** @typedef {'reply' | 'copy' | 'edit' | 'delete' | 'remove'} Action */
/** @typedef {{ actions: Action[], reacted: string | undefined, onAction: (action: Action) => void, onReact: (emoji: string) => void }} Choices */

export class MessageMenu {
  #menu = element('div', { popover: 'manual', class: 'menu', tabindex: '-1' });
  #place = new DOMRect();
  #end = () => {};

  /** @param {Frame} frame */
  constructor({ log }) {
    log.after(this.#menu);
    this.#menu.addEventListener('keydown', (event) => this.#key(event));
    addEventListener('pointerdown', (event) => this.#away(event), { capture: true });
    addEventListener('resize', () => this.isOpen && this.#put()); // an on-screen keyboard comes or goes
  }

  get isOpen() {
    return this.#menu.matches(':popover-open');
  }

  /** @param {DOMRect} place what it belongs to @param {Choices} choices @param {() => void} onEnd */
  open(place, choices, onEnd) {
    this.close();
    this.#end = onEnd;
    this.#place = place;
    this.#menu.showPopover();
    this.#showMenu(choices);
    this.#put();
  }

  #put() {
    const { left, top, bottom } = this.#place;
    const { width, height } = this.#menu.getBoundingClientRect();
    const within = (/** @type {number} */ at, /** @type {number} */ most) => `${Math.max(8, Math.min(at, most - 8))}px`;
    const above = bottom + height > innerHeight ? top - height : bottom;
    this.#menu.style.setProperty('--left', within(left, innerWidth - width));
    this.#menu.style.setProperty('--top', within(above, innerHeight - height));
  }

  close() {
    if (!this.isOpen) return;
    this.#menu.hidePopover();
    this.#end();
  }

  /** @param {Choices} choices */
  #showMenu(choices) {
    const { actions, reacted, onAction } = choices;
    const emoji = [...new Set([...QUICK, ...(reacted ? [reacted] : [])])].map((one) => {
      const button = item(one, () => this.#choose(() => choices.onReact(one === reacted ? '' : one)));
      button.setAttribute('role', 'menuitemcheckbox');
      button.setAttribute('aria-checked', String(one === reacted));
      return button;
    });
    const more = item('＋', () => this.#askEmoji(choices));
    more.setAttribute('aria-label', text('moreEmoji'));
    const others = actions.map((action) => {
      const act = () => (action === 'remove' ? this.#confirm(choices) : this.#choose(() => onAction(action)));
      return item(text(action === 'delete' ? action : `action.${action}`), act, action);
    });
    const reactions = element(
      'div',
      { class: 'quick', role: 'group', 'aria-label': text('reactions') },
      ...emoji,
      more,
    );
    this.#menu.replaceChildren(
      element(
        'div',
        { role: 'menu', 'aria-label': text('messageMenu') },
        ...(reacted === undefined ? [] : [reactions]),
        ...others,
      ),
    );
    others[0]?.focus();
  }

  /** The system's own way of typing an emoji has all of them. @param {Choices} choices */
  #askEmoji({ onReact }) {
    const input = element('input', { id: 'emoji', class: 'field', autocomplete: 'off', enterkeyhint: 'done' });
    const form = element('form', { class: 'ask' }, element('label', { for: 'emoji' }, text('typeEmoji')), input);
    const react = () => {
      const emoji = emojiIn(input.value);
      if (emoji) this.#choose(() => onReact(emoji));
    };
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      react();
    });
    input.addEventListener('input', (event) => event instanceof InputEvent && !event.isComposing && react());
    this.#menu.replaceChildren(form);
    input.focus();
  }

  /** @param {Choices} choices */
  #confirm({ onAction }) {
    const cancel = item(text('cancel'), () => this.close());
    const remove = item(text('action.remove'), () => this.#choose(() => onAction('remove')), 'remove');
    for (const button of [cancel, remove]) button.removeAttribute('role');
    const question = element('p', { id: 'question' }, text('removeForAll'));
    this.#menu.replaceChildren(
      element('div', { class: 'ask', role: 'alertdialog', 'aria-labelledby': 'question' }, question, remove, cancel),
    );
    cancel.focus();
  }

  /** @param {() => void} act */
  #choose(act) {
    this.close();
    act();
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    event.stopPropagation(); // the page would type into its box
    const { key, target } = event;
    if (key === 'Escape' || key === 'Tab') {
      event.preventDefault();
      return this.close();
    }
    const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[key];
    if (!step || !(target instanceof HTMLButtonElement)) return;
    event.preventDefault();
    const items = [...this.#menu.querySelectorAll('button')];
    items.at((items.indexOf(target) + step) % items.length)?.focus();
  }

  /** @param {PointerEvent} event */
  #away(event) {
    if (!this.isOpen || (event.target instanceof Node && this.#menu.contains(event.target))) return;
    this.close();
    if (event.button === 0) ignoreClick(); // this tap only closes the menu
  }
}

/** Ignores the click with which a tap or a long press may end, on whatever is there by then. */
export function ignoreClick() {
  const ignore = (/** @type {Event} */ event) => {
    event.stopPropagation();
    event.preventDefault();
  };
  addEventListener('click', ignore, { capture: true, once: true });
  addEventListener('pointerdown', () => removeEventListener('click', ignore, true), { capture: true, once: true });
}

/** @param {string} wording @param {() => void} onClick @param {Action | ''} [action] */
function item(wording, onClick, action = '') {
  const button = element('button', { type: 'button', role: 'menuitem', 'data-action': action }, wording);
  button.addEventListener('click', onClick);
  return button;
}
