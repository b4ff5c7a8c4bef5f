/** What this browser stores. If its storage is full or switched off, the page works from memory. */
const PREFIX = 'mailbox-chat.';
const MOST = 1_000_000;

/** Storage is not trusted: what it returns is checked. @param {unknown} value @param {number} [most] its length @returns {value is string} */
export const isText = (value, most = 200) => typeof value === 'string' && value.length <= most;

/** @type {Map<string, string>} */
const memory = new Map();

/** @param {string} key */
export function recall(key) {
  if (memory.has(key)) return memory.get(key); // newer than the stored value, for which there was no room
  try {
    return bounded(localStorage.getItem(PREFIX + key));
  } catch {
    return undefined;
  }
}

/** @param {string | null} value */
const bounded = (value) => (isText(value, MOST) ? value : undefined);

/** @param {string} key @param {string} value */
export function remember(key, value) {
  try {
    localStorage.setItem(PREFIX + key, value);
    memory.delete(key);
  } catch {
    memory.set(key, value);
  }
}

/** What only this tab stores, from page to page: another tab may belong to another person. @param {string} key */
export function recallInTab(key) {
  try {
    return bounded(sessionStorage.getItem(PREFIX + key));
  } catch {
    return undefined;
  }
}

/** @param {string} key @param {string} value */
export function rememberInTab(key, value) {
  try {
    sessionStorage.setItem(PREFIX + key, value);
  } catch {
    // storage is switched off: the next page asks again
  }
}

/** @param {string} key */
export function forget(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // switched off
  }
}

/** @param {string} start */
export function recallKeys(start) {
  const keys = [...memory.keys()];
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) keys.push(key.slice(PREFIX.length));
  } catch {
    // switched off
  }
  return [...new Set(keys)].filter((key) => key.startsWith(start));
}

/** Another tab has changed a key that begins so, or has cleared the storage: then there is no key. @param {string} start @param {(key?: string) => void} changed */
export function onChangedElsewhere(start, changed) {
  addEventListener('storage', ({ key }) => {
    if (key === null || key.startsWith(PREFIX + start)) changed(key?.slice(PREFIX.length));
  });
}
