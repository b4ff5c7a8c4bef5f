/** What a page that nobody looks at can show: the title and the icon of its tab, notifications. */
import { element } from './elements.js';
import { onLanguageChange, sayIn, text } from './language.js';
import { recall, remember } from './storage.js';

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

  get here() {
    return this.#here;
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

/** How many are unread, for eyes and ears. @param {number} n */
export const countBadge = (n) =>
  element(
    'span',
    { class: 'badge' },
    element('span', { 'aria-hidden': 'true' }, String(n)),
    sayIn(element('span', { class: 'sr' }), '', 'unread', { n }),
  );

/** Notifications are asked for by a click only. @param {{ me: string, bell: HTMLButtonElement }} options @returns {(title: string, body: string, tag: string) => void} */
export function prepareNotifications({ me, bell }) {
  const kept = `notifications/${me}`;
  const available = isSecureContext && 'Notification' in globalThis;
  const isOn = () => available && Notification.permission === 'granted' && recall(kept) === 'on';

  const showBell = () => {
    bell.hidden = !available || Notification.permission === 'denied';
    bell.classList.toggle('is-on', isOn());
    sayIn(bell, 'aria-label', isOn() ? 'notifyOff' : 'notifyOn');
    sayIn(bell, 'title', isOn() ? 'notifyOff' : 'notifyOn');
  };

  const toggle = async () => {
    if (isOn()) remember(kept, 'off');
    else if ((await Notification.requestPermission()) === 'granted') remember(kept, 'on');
    showBell();
  };

  bell.addEventListener('click', () => void toggle());
  onLanguageChange(showBell);
  showBell();

  return (title, body, tag) => {
    if (!document.hidden || !isOn()) return;
    try {
      const notification = new Notification(title, { body, tag, icon: 'favicon.svg' });
      notification.addEventListener('click', () => {
        focus();
        notification.close();
      });
    } catch {
      // Android's Chromium allows them from a service worker only.
    }
  };
}
