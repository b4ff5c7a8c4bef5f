/** The reactions to a message, below it. Each emoji is a button: it adds one's own reaction, or takes it back. */
import { element } from './elements.js';
import { text } from './language.js';
import { shownName } from './names.js';

/** @param {HTMLElement} row @param {ShownMessage} message @param {(message: ShownMessage) => boolean} isOwn */
export function showReactions(row, message, isOwn) {
  const people = peopleByEmoji(message);
  const before = row.querySelector('.reactions');
  if (!people.size) return before?.remove();
  const group = before ?? element('div', { class: 'reactions', role: 'group', 'aria-label': text('reactions') });
  const focused = document.activeElement?.getAttribute('data-emoji');
  const hadFocus = group.contains(document.activeElement);
  const buttons = [...people].map(([emoji, names]) =>
    chip(emoji, names, (name) => isOwn({ ...message, sender: name, foreign: false })),
  );
  group.replaceChildren(...buttons);
  if (!before) row.append(group);
  if (hadFocus) (buttons.find(({ dataset }) => dataset.emoji === focused) ?? buttons[0])?.focus();
}

/** @param {ShownMessage} message */
function peopleByEmoji({ reactions, isRemoved }) {
  /** @type {Map<string, string[]>} */
  const people = new Map();
  if (isRemoved) return people;
  for (const [name, emoji] of Object.entries(reactions)) {
    if (emoji) people.set(emoji, [...(people.get(emoji) ?? []), name]);
  }
  return people;
}

/** @param {string} emoji @param {string[]} names @param {(name: string) => boolean} isMe */
function chip(emoji, names, isMe) {
  const who = names.map((name) => (isMe(name) ? text('you') : shownName(name))).join(', ');
  const count = names.length > 1 ? [element('span', { 'aria-hidden': 'true' }, String(names.length))] : [];
  const seen = element('span', { class: 'chip' }, emoji, ...count);
  const isMine = String(names.some(isMe));
  const attributes = { type: 'button', 'data-emoji': emoji, 'aria-pressed': isMine, title: who };
  return element('button', attributes, seen, element('span', { class: 'sr' }, ` ${who}`));
}
