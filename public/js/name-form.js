/** A form that takes a name as people type it, and asks the server whose it is. */
import { element } from './elements.js';
import { personCalled, whyRefused } from './identity.js';
import { say } from './language.js';
import { Refusal } from './server.js';

const LONGEST_MAILBOX = 64;
// A mailbox name has at most 200 bytes; some letters take four.
const LONGEST_OF_RARE_LETTERS = 50;

/** Only the first page has it from the beginning. */
export const STYLE = new URL('../picker.css', import.meta.url);

/** @typedef {Awaited<ReturnType<typeof personCalled>>} NamedPerson */

/**
 * @param {{ id: string, label: string, button: string, longest?: number, onName: (person: NamedPerson) => void }} options
 *   `longest`: in characters, as they are shown
 */
export function nameForm({ id, label, button, longest, onName }) {
  const note = element('p', { id: `bad-${id}`, class: 'note', role: 'alert' });
  const input = element('input', { id, class: 'field', autocapitalize: 'none', 'aria-describedby': note.id });
  const submit = say(element('button', { class: 'button' }), button);
  const form = element('form', { class: 'line' }, say(element('label', { for: id }), label), input, submit);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    void takeName(input, note, longest).then((person) => person && onName(person));
  });
  return { form, note, input };
}

/** Resolves to undefined if this cannot be a name; the note says why. @param {HTMLInputElement} input @param {HTMLElement} note @param {number} [longest] */
export async function takeName(input, note, longest = Infinity) {
  const typed = input.value;
  try {
    if (Array.from(typed.trim()).length > longest) throw new Refusal(400, undefined, 'INVALID_NAME');
    const person = await personCalled(typed);
    input.removeAttribute('aria-invalid');
    say(note, '');
    return person;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    input.setAttribute('aria-invalid', 'true');
    const most = /[\u{10000}-\u{10ffff}]/u.test(typed) ? LONGEST_OF_RARE_LETTERS : LONGEST_MAILBOX;
    if (error.code === 'INVALID_NAME') say(note, typed.trim() ? 'badName' : 'noName', { n: Math.min(longest, most) });
    else if (error.isDenied) say(note, ...(await whyRefused()));
    else say(note, 'noAnswer');
    input.focus();
    return undefined;
  }
}
