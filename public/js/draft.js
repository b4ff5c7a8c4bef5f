/** What stands in the box is kept for this conversation, and shown by all its tabs, until one of them sends it. */
import { onChangedElsewhere, recall, remember } from './storage.js';

const KEEP_AFTER_MS = 300;

/** @param {HTMLTextAreaElement} box @param {string} name it is kept under @param {() => void} onAdopted */
export function keepDraft(box, name, onAdopted) {
  // What the box and the other tabs agreed on last. Whoever has not written since takes what they say.
  let agreed = '';
  let isComposing = false;
  let keeping = 0;

  /** Whether another tab has begun a text of its own meanwhile: each then sends what it shows. */
  const isOthers = () => ![undefined, '', agreed, box.value].includes(recall(name));

  const keep = () => {
    clearTimeout(keeping);
    if (box.value === agreed || isOthers()) return;
    agreed = box.value;
    remember(name, agreed); // an empty text, too: no text at all would say that the storage was cleared
  };

  /** Whether another tab has changed it. */
  const adopt = () => {
    const kept = recall(name);
    if (kept === undefined || kept === agreed || box.value !== agreed || isComposing) return false;
    agreed = kept;
    box.value = kept;
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
    /** It was sent: nothing of it may come back. */
    clear() {
      clearTimeout(keeping);
      if (!isOthers()) remember(name, '');
      box.value = '';
      agreed = '';
    },
  };
}
