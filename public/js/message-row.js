/**
 * One message as a row, and what changes in it. A row is in a live region: only the parts that differ are changed. The style
 * sheet draws its ticks, so that screen readers do not read them from the log. Links work, long texts are folded, and emoji
 * alone are large.
 */
import { element, tint } from './elements.js';
import { inOneLine } from './files.js';
import { say, text } from './language.js';
import { linksIn } from './links.js';
import { shownName } from './names.js';
import { clock } from './times.js';

// Arrows and similar characters are also used in text.
const EMOJI = /\p{RGI_Emoji}|[\p{Extended_Pictographic}--[\u2000-\u21ff©®]]\ufe0f?/gv;
const MOST_EMOJI = 100;
const FEW_EMOJI = 3;

/** Longer messages are folded … */
const LONG = { characters: 1500, lines: 20 };
/** … and of even longer ones, only so much is on the page before they are unfolded. */
const MOST_FOLDED = 10_000;

/** @typedef {{ isOwn: (message: ShownMessage) => boolean, quoted: (id: string) => ShownMessage | undefined }} Known */

/** What each row shows, besides times and ticks. @type {WeakMap<HTMLElement, unknown[]>} */
const shown = new WeakMap();

/** @param {ShownMessage} message @param {Known} known */
export function makeRow(message, known) {
  const { sender, foreign, viaFile, time } = message;
  const own = known.isOwn(message);
  const who = own ? text('you') : shownName(sender);
  const from = foreign ? text('fromFile') : viaFile ? text('viaFile', { who }) : who;
  const row = element(
    'li',
    { class: `row${own ? ' own' : ''}${foreign ? ' foreign' : ''}${viaFile ? ' via-file' : ''}` },
    tint(element('span', { class: 'from' }, from), sender),
    element('div', { class: 'content' }, element('p', { class: 'bubble', dir: 'auto' })),
    element('span', { class: 'when' }, element('time')),
  );
  showTime(row, time);
  showMessage(row, message, known);
  return row;
}

/** Whether a row shows something else. @param {HTMLElement} row @param {ShownMessage} message @param {Known} known */
export function differs(row, message, known) {
  const before = shown.get(row);
  return wordsOf(message, known).some((word, at) => word !== before?.[at]);
}

/** @param {HTMLElement} row @param {ShownMessage} message @param {Known} known */
export function showMessage(row, message, known) {
  const [wording] = shown.get(row) ?? [];
  const words = wordsOf(message, known);
  shown.set(row, words);
  if (words[0] !== wording) showWording(row, message);
  showQuote(row, message, known);
  showEdited(row, message);
  showReactions(row, message, known.isOwn);
}

/** The first is what the bubble shows. @param {ShownMessage} message @param {Known} known */
function wordsOf(message, known) {
  const { isEdited, reactions, change, replyTo } = message;
  const quoted = replyTo ? known.quoted(replyTo) : undefined;
  const quote = [replyTo, quoted && lineOf(quoted)];
  return [wordingOf(message), isEdited, JSON.stringify(reactions), change?.state, ...quote];
}

/** @param {ShownMessage} message */
const wordingOf = ({ message, isRemoved }) => (isRemoved ? text('messageRemoved') : message);

/** @param {ShownMessage} message */
export const lineOf = (message) => (message.isRemoved ? wordingOf(message) : inOneLine(message));

/** @param {HTMLElement} row @param {ShownMessage} message */
function showWording(row, message) {
  const bubble = part(row, '.bubble');
  const emoji = message.isRemoved ? undefined : emojiAlone(message.message);
  row.classList.toggle('removed', message.isRemoved);
  row.classList.toggle('big', emoji !== undefined);
  row.classList.toggle('many', emoji === 'many');
  row.querySelector('.more')?.remove();
  const more = showText(bubble, wordingOf(message));
  if (more) part(row, '.when').after(more);
}

/** @param {HTMLElement} row @param {ShownMessage} message @param {Known} known */
function showQuote(row, { replyTo, isRemoved }, { quoted, isOwn }) {
  const before = row.querySelector('.quote');
  if (!replyTo || isRemoved) return before?.remove();
  const quote = before ?? element('button', { type: 'button', class: 'quote' });
  const original = quoted(replyTo);
  const line = original ? lineOf(original) : text('earlierMessage');
  const who = !original ? '' : isOwn(original) ? text('you') : shownName(original.sender) || text('fromFile');
  quote.replaceChildren(element('bdi', { class: 'quoted-from' }, who), element('span', { dir: 'auto' }, line));
  if (!before) part(row, '.content').prepend(quote);
}

/** @param {HTMLElement} row @param {ShownMessage} message */
function showEdited(row, { isEdited, isRemoved, change }) {
  const before = row.querySelector('.edited');
  row.dataset.change = change?.state ?? '';
  if (!isEdited || isRemoved) before?.remove();
  else if (!before) part(row, '.when').prepend(element('span', { class: 'edited' }, text('edited')));
}

/** Each emoji is a button: it adds one's own reaction, or takes it back. @param {HTMLElement} row @param {ShownMessage} message @param {(message: ShownMessage) => boolean} isOwn */
function showReactions(row, message, isOwn) {
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

/** Changes the row only if its text differs, because it is in a live region. @param {HTMLElement} row @param {number} ms */
export function showTime(row, ms) {
  const time = row.querySelector('time');
  if (!time) return;
  const [datetime, wording] = [new Date(ms).toISOString(), clock(ms)];
  if (time.dateTime !== datetime) time.dateTime = datetime;
  if (time.textContent !== wording) time.textContent = wording;
}

/** @param {'failed' | 'changeFailed'} what @param {(action: 'retry' | 'delete') => void} onChoice */
export function makeFailure(what, onChoice) {
  const failure = element('span', { class: 'failure' }, element('span', {}, text(what)));
  for (const action of /** @type {const} */ (['retry', 'delete'])) {
    const wording = action === 'delete' && what === 'changeFailed' ? 'discard' : action;
    const button = element('button', { type: 'button', class: 'text-button' }, text(wording));
    button.addEventListener('click', () => onChoice(action));
    failure.append(button);
  }
  return failure;
}

/** @param {HTMLElement} row @param {string} selector @returns {HTMLElement} */
function part(row, selector) {
  const found = row.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`a row without ${selector}`);
  return found;
}

/** Shows a text, and returns the button that unfolds it if it is long. @param {HTMLElement} bubble @param {string} message */
function showText(bubble, message) {
  bubble.classList.remove('folded');
  bubble.replaceChildren(...withLinks(message.slice(0, MOST_FOLDED)));
  // Korean text breaks between words, whatever the language of the page.
  if (/[ㄱ-ㆎ가-힣]/.test(message.slice(0, MOST_FOLDED))) bubble.lang = 'ko';
  else bubble.removeAttribute('lang');
  return isLong(message) ? fold(bubble, message) : undefined;
}

/** How many emoji a message has if it is nothing else: they are shown large. @param {string} message @returns {'few' | 'many' | undefined} */
function emojiAlone(message) {
  if (!message || message.length > MOST_EMOJI || message.replaceAll(EMOJI, '').trim() !== '') return undefined;
  return (message.match(EMOJI) ?? []).length > FEW_EMOJI ? 'many' : 'few';
}

/** The first emoji in a text. @param {string} typed */
export const emojiIn = (typed) => typed.match(EMOJI)?.[0];

/** @param {string} message */
const isLong = (message) => message.length > LONG.characters || message.split('\n', LONG.lines + 1).length > LONG.lines;

/** @param {HTMLElement} bubble @param {string} message */
function fold(bubble, message) {
  const button = element('button', { type: 'button', class: 'text-button more' });
  const isFolded = () => bubble.classList.contains('folded');
  const turn = () => {
    const folded = bubble.classList.toggle('folded');
    if (!folded && message.length > MOST_FOLDED) bubble.replaceChildren(...withLinks(message));
    button.setAttribute('aria-expanded', String(!folded));
    say(button, folded ? 'readMore' : 'readLess');
  };
  turn();
  button.addEventListener('click', () => {
    turn();
    if (isFolded()) bubble.scrollIntoView({ block: 'nearest' });
  });
  // The focus is on a link out of sight.
  bubble.addEventListener('focusin', () => button.isConnected && isFolded() && turn());
  return button;
}

/** @param {string} message @returns {(Node | string)[]} */
function withLinks(message) {
  const parts = [];
  let from = 0;
  for (const { start, end, href } of linksIn(message)) {
    const link = element('a', { href, rel: 'noopener noreferrer nofollow ugc' }, message.slice(start, end));
    if (!href.startsWith('mailto:')) link.target = '_blank';
    parts.push(message.slice(from, start), link);
    from = end;
  }
  return [...parts, message.slice(from)];
}
