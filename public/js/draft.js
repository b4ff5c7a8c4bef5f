/** What stands in the box is kept for this conversation, and shown by all its tabs, until one of them sends it. */
import { onChangedElsewhere, recall, remember } from './storage.js';

const KEEP_AFTER_MS = 300;
const MOST_OVER = 8;

/**
 * A kept text. `mark` names it from its first letter until it is sent, in all tabs that show it: so a tab can tell a text
 * that goes on elsewhere from one that was begun there at the same time. `key`: what this very text is sent with. Two tabs
 * that send it before they hear of each other send it once. `over`: the marks of texts that were sent.
 * @typedef {{ mark: string, text: string, key: string, over: string[] }} Draft
 */

/** @param {HTMLTextAreaElement} box @param {string} name it is kept under @param {() => void} onAdopted */
export function keepDraft(box, name, onAdopted) {
  let mark = '';
  let key = '';
  // What the box and the other tabs agreed on last. Whoever has not written since takes what they say.
  let agreed = '';
  let isComposing = false;
  let keeping = 0;

  /** Whether another tab has begun a text of its own meanwhile: each then sends what it shows. */
  const isOthers = () => {
    const kept = readDraft(recall(name));
    return kept && kept.mark !== mark && kept.text && kept.text !== box.value;
  };

  /** An empty text, too: no text at all would say that the storage was cleared. @param {Partial<Draft>} changed */
  const store = (changed) => remember(name, JSON.stringify({ over: [], ...readDraft(recall(name)), ...changed }));

  const keep = () => {
    clearTimeout(keeping);
    if (box.value === agreed || isOthers()) return;
    key = newKey();
    mark ||= key;
    agreed = box.value;
    store({ mark, text: agreed, key });
    if (!agreed) mark = '';
  };

  /** Whether another tab has changed it. */
  const adopt = () => {
    const kept = readDraft(recall(name));
    if (!kept || kept.text === agreed || box.value !== agreed || isComposing) return false;
    if (agreed && kept.mark !== mark && !kept.over.includes(mark)) return false;
    agreed = kept.text;
    mark = agreed && kept.mark;
    key = kept.key;
    box.value = agreed;
    onAdopted();
    return true;
  };

  box.addEventListener('input', () => {
    clearTimeout(keeping);
    keeping = setTimeout(keep, KEEP_AFTER_MS);
  });
  box.addEventListener('compositionstart', () => (isComposing = true));
  box.addEventListener('compositionend', () => (isComposing = false));
  addEventListener('pagehide', keep);
  onChangedElsewhere(name, adopt);
  // A tab that slept has heard nothing.
  for (const type of ['focus', 'pageshow']) addEventListener(type, adopt);
  document.addEventListener('visibilitychange', () => (document.hidden ? keep() : adopt()));
  adopt();

  return {
    adopt,
    /** It is sent: nothing of it may come back. Returns the key to send it with. */
    take() {
      clearTimeout(keeping);
      const keyOfText = box.value === agreed ? key : newKey();
      const over = [mark, ...(readDraft(recall(name))?.over ?? [])].filter(Boolean).slice(0, MOST_OVER);
      store(isOthers() ? { over } : { over, mark, key, text: '' });
      box.value = '';
      agreed = '';
      mark = '';
      return keyOfText;
    },
  };
}

/** Not `randomUUID`: that one is missing on plain-http addresses of a local network. */
function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** What the browser keeps is checked as what comes from anywhere. @param {string | undefined} kept @returns {Draft | undefined} */
function readDraft(kept) {
  try {
    const { mark, text, key, over } = JSON.parse(kept ?? '');
    if ([mark, text, key].some((one) => typeof one !== 'string') || !Array.isArray(over)) return undefined;
    return { mark, text, key, over: over.filter((one) => typeof one === 'string') };
  } catch {
    return undefined;
  }
}
