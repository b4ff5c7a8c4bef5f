/** Desktop notifications: asked for by a click only, and offered only where the browser allows them (https). */
import { onLanguageChange, sayIn } from './language.js';
import { recall, remember } from './storage.js';

/** @param {{ me: string, bell: HTMLButtonElement }} options @returns {(title: string, body: string, tag: string) => void} shows one when the page is hidden */
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
