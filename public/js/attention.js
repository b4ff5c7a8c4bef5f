/** The title and the icon of the tab: all that a page can show while nobody looks at it. */
import { element } from './elements.js';
import { onLanguageChange, sayIn, text } from './language.js';

export class Attention {
  #here = 0;
  #elsewhere = 0;

  /** @param {{ titleKey: string, who?: string, badge?: HTMLElement }} options */
  constructor(options) {
    this.options = options;
    onLanguageChange(() => this.#show());
    this.#show();
  }

  /** @param {number} count */
  set here(count) {
    this.#here = count;
    this.#show();
  }

  /** @param {number} count */
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
    badge?.replaceChildren(...(this.#elsewhere ? [countBadge(this.#elsewhere)] : []));
  }
}

/** The number of unread messages, for display and for screen readers. @param {number} n */
export const countBadge = (n) =>
  element(
    'span',
    { class: 'badge' },
    element('span', { 'aria-hidden': 'true' }, String(n)),
    sayIn(element('span', { class: 'sr' }), '', 'unread', { n }),
  );
