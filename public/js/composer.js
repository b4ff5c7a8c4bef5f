/** The box one writes in. */
import { say } from './language.js';
import { forget, recall, remember } from './storage.js';

const DRAFT_AFTER_MS = 300;

/**
 * @param {Frame} frame
 * @param {{ draft: string, longest: number, onSend: (message: string) => void, onTyping: () => void }} options
 *   `draft`: the name it is kept under
 */
export function prepareComposer({ form, box, note }, { draft, longest, onSend, onTyping }) {
  const isTouch = matchMedia('(pointer: coarse)');
  let keeping = 0;

  // Code points, as the server counts.
  const excess = () => Array.from(box.value.trim()).length - longest;

  const keepDraft = () => {
    clearTimeout(keeping);
    if (box.value) remember(draft, box.value);
    else forget(draft);
  };

  const check = () => {
    const over = excess();
    note.hidden = over <= 0;
    if (over > 0) {
      say(note, 'tooLong', { n: over });
      box.setAttribute('aria-invalid', 'true');
    } else box.removeAttribute('aria-invalid');
    grow(box);
  };

  const send = () => {
    const message = box.value.trim();
    if (!message || excess() > 0) return;
    box.value = '';
    keepDraft();
    check();
    onSend(message);
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    send();
    box.focus();
  });

  box.addEventListener('keydown', (event) => {
    // Safari ends the composition before the Enter that ended it arrives; key code 229 gives it away.
    if (event.key !== 'Enter' || event.isComposing || event.keyCode === 229) return;
    const command = event.ctrlKey || event.metaKey;
    if (!command && (event.shiftKey || event.altKey || isTouch.matches)) return;
    event.preventDefault();
    send();
  });

  box.addEventListener('input', () => {
    check();
    clearTimeout(keeping);
    keeping = setTimeout(keepDraft, DRAFT_AFTER_MS);
    if (box.value.trim()) onTyping();
  });
  addEventListener('pagehide', keepDraft);
  addEventListener('resize', () => grow(box));

  box.value = recall(draft) ?? '';
  check();
}

/** For browsers without `field-sizing: content`. @param {HTMLTextAreaElement} box */
function grow(box) {
  if (CSS.supports('field-sizing', 'content')) return;
  box.style.height = 'auto';
  box.style.height = `${box.scrollHeight + box.offsetHeight - box.clientHeight}px`;
}
