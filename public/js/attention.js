/** Unread messages where a page that nobody looks at can show them: the title and the icon of its tab. */
import { element } from './elements.js';
import { onLanguageChange, text } from './language.js';

/** Counts what has not been looked at. */
export class Attention {
  #here = 0;
  #elsewhere = 0;

  /** @param {{ titleKey: string, who?: string, badge?: HTMLElement }} options `badge`: where the other conversations' count goes */
  constructor(options) {
    this.options = options;
    onLanguageChange(() => this.#show());
    this.#show();
  }

  /** @param {number} count in this conversation */
  set here(count) {
    this.#here = count;
    this.#show();
  }

  get here() {
    return this.#here;
  }

  /** @param {number} count in conversations with others */
  set elsewhere(count) {
    this.#elsewhere = count;
    this.#show();
  }

  #show() {
    const { titleKey, who = '', badge } = this.options;
    const total = this.#here + this.#elsewhere;
    document.title = (total ? `(${total}) ` : '') + text(titleKey, { who });
    const icon = document.querySelector('link[rel="icon"]');
    const href = total ? 'favicon-unread.svg' : 'favicon.svg';
    if (icon && icon.getAttribute('href') !== href) icon.setAttribute('href', href);
    if (!badge) return;
    badge.hidden = this.#elsewhere === 0;
    badge.replaceChildren(
      element('span', { 'aria-hidden': 'true' }, String(this.#elsewhere)),
      element('span', { class: 'sr' }, ` – ${text('unread', { n: this.#elsewhere })}`),
    );
  }
}
