/** Notifications of messages that nobody is reading: one for each message, however many tabs are open. */
import { onLanguageChange, sayIn } from './language.js';
import { compareIds, isId } from './positions.js';
import { isLooking, readingLock } from './reading.js';
import { recall, remember } from './storage.js';

// By then, every tab of a browser sees what another one has stored.
const SETTLE_MS = 300;

/** @typedef {{ title: string, body: string, from: string, mailbox: string, id: string }} News */

/** Asks for permission only on a click. @param {{ me: string, bell: HTMLButtonElement }} options @returns {(news: News) => void} */
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

  return (news) => {
    if (isOn() && !isLooking()) void notifyOnce(me, news);
  };
}

/** @param {string} me @param {News} news */
async function notifyOnce(me, news) {
  if (!navigator.locks) return notify(news);
  const { held = [] } = await navigator.locks.query();
  if (held.some(({ name }) => name === readingLock(me, news.from))) return; // another tab shows it to the reader
  const told = `notified/${me}/${news.mailbox}`;
  await navigator.locks.request(`mailbox-chat ${told}`, async () => {
    const last = recall(told);
    if (last && isId(last) && compareIds(news.id, last) <= 0) return;
    remember(told, news.id);
    notify(news);
    await new Promise((done) => setTimeout(done, SETTLE_MS));
  });
}

/** @param {News} news */
function notify({ title, body, mailbox, id }) {
  try {
    const notification = new Notification(title, { body, tag: `${mailbox} ${id}`, icon: 'favicon.svg' });
    notification.addEventListener('click', () => {
      focus();
      notification.close();
    });
  } catch {
    // On Android, Chromium allows notifications only from a service worker.
  }
}
