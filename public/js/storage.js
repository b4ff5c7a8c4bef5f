/**
 * What this browser keeps. Everything in it belongs to one person, so callers put the person's name in the key.
 * Storage may be full or switched off: the page then works without it, from memory.
 */
const PREFIX = 'mailbox-chat.';

/** @type {Map<string, string>} */
const memory = new Map();

/** @param {string} key */
export function recall(key) {
  try {
    return localStorage.getItem(PREFIX + key) ?? memory.get(key);
  } catch {
    return memory.get(key);
  }
}

/** @param {string} key @param {string} value */
export function remember(key, value) {
  try {
    localStorage.setItem(PREFIX + key, value);
    memory.delete(key);
  } catch {
    memory.set(key, value);
  }
}

/** @param {string} key */
export function forget(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(PREFIX + key);
  } catch {
    // Switched off: there is nothing to remove.
  }
}

/** Every kept key that begins so, without the prefix all of ours share. @param {string} start */
export function recallKeys(start) {
  const keys = new Set([...memory.keys()].filter((key) => key.startsWith(start)));
  try {
    for (let i = 0; i < localStorage.length; i++) {
      const key = localStorage.key(i) ?? '';
      if (key.startsWith(PREFIX + start)) keys.add(key.slice(PREFIX.length));
    }
  } catch {
    // Switched off: memory is all there is.
  }
  return [...keys];
}

/** Calls back when another tab changes what is kept under keys that begin so. @param {string} start @param {() => void} changed */
export function onChangedElsewhere(start, changed) {
  addEventListener('storage', (event) => {
    if (event.key === null || event.key.startsWith(PREFIX + start)) changed();
  });
}
