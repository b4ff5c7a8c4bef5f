/** The parts that a page needs only once it is open. It loads them then, so that it opens sooner, and has them when the server is away. */
export const loadMenu = () => import('./message-menu.js');
export const loadNameForm = () => import('./name-form.js');
export const loadNotifications = () => import('./notifications.js');
export const loadReach = () => import('./message-reach.js');
export const loadSearch = () => import('./search.js');
export const loadStyles = () => import('./later-style.js');
export const loadTray = () => import('./tray.js');
export const loadUploads = () => import('./uploads.js');
export const loadViewer = () => import('./viewer.js');

export function loadTheRest() {
  const loads = [loadMenu, loadReach, loadSearch, loadTray, loadUploads, loadViewer];
  for (const load of loads) load().catch(() => undefined); // whoever needs it tries again
}
