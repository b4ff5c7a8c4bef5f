/** The text in the box is stored for this conversation, and all its tabs show it until one of them sends it. */
import { isText, onChangedElsewhere, recall, remember } from './storage.js';

const KEEP_AFTER_MS = 300;
const MOST_OVER = 8;

/**
 * A stored text. `mark` identifies it from its first letter until it is sent, in all tabs that show it. So a tab can tell a text
 * that another tab continues from one that was begun there at the same time. `key`: the key with which this text is sent. Two tabs
 * that send it before they hear from each other send it once. `over`: the marks of texts that were sent.
 * @typedef {{ mark: string, text: string, key: string, over: unknown[] }} Draft
 */

/** @param {HTMLTextAreaElement} box @param {string} name the storage key @param {() => void} onAdopted */
export function keepDraft(box, name, onAdopted) {
  let mark = '';
  let key = '';
  // The last text that the box and the other tabs agreed on. If nothing was typed here since, the box adopts theirs.
  let agreed = '';
  let isComposing = false;
  /** The draft, while the box shows another text. @type {string | undefined} */
  let aside;
  let keeping = 0;

  /** Whether another tab has meanwhile begun its own text. Then each tab sends what it shows. */
  const isOthers = () => {
    const kept = readDraft(recall(name));
    return kept && kept.mark !== mark && kept.text && kept.text !== box.value;
  };

  /** Stores an empty text, too: no text at all would mean that the storage was cleared. @param {Partial<Draft>} changed */
  const store = (changed) => remember(name, JSON.stringify({ over: [], ...readDraft(recall(name)), ...changed }));

  const keep = () => {
    clearTimeout(keeping);
    if (aside !== undefined || box.value === agreed || isOthers()) return;
    key = newKey();
    mark ||= key;
    agreed = box.value;
    store({ mark, text: agreed, key });
    if (!agreed) mark = '';
  };

  /** Whether another tab has changed it. */
  const adopt = () => {
    const kept = readDraft(recall(name));
    if (aside !== undefined || !kept || kept.text === agreed || box.value !== agreed || isComposing) return false;
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
  // A tab that was suspended has missed the changes of other tabs.
  for (const type of ['focus', 'pageshow']) addEventListener(type, adopt);
  document.addEventListener('visibilitychange', () => (document.hidden ? keep() : adopt()));
  adopt();

  return {
    adopt,
    /** Shows a text that is no draft. @param {string} text */
    showInstead(text) {
      keep();
      aside ??= box.value;
      box.value = text;
    },
    showDraft() {
      if (aside === undefined) return;
      box.value = aside;
      aside = undefined;
      adopt();
    },
    /** The text is being sent, and must not come back. Returns the key to send it with. */
    take() {
      if (aside !== undefined) return newKey();
      clearTimeout(keeping);
      const keyOfText = box.value && box.value === agreed ? key : newKey(); // files may go without a text
      const over = [mark, ...(readDraft(recall(name))?.over ?? [])].filter(Boolean).slice(0, MOST_OVER);
      store(isOthers() ? { over } : { over, mark, key, text: '' });
      box.value = '';
      agreed = '';
      mark = '';
      return keyOfText;
    },
  };
}

/** Not `randomUUID`, which is missing on plain-http addresses of a local network. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Storage is not trusted: what it returns is checked. @param {string | undefined} kept @returns {Draft | undefined} */
function readDraft(kept) {
  try {
    const { mark, text, key, over } = JSON.parse(kept ?? '');
    if (![mark, key].every((one) => isText(one)) || !isText(text, Infinity) || !Array.isArray(over)) return undefined;
    return { mark, text, key, over: over.slice(0, MOST_OVER) };
  } catch {
    return undefined;
  }
}
