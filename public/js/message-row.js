/** One message as a row. The style sheet draws its ticks, so that screen readers do not read them from the log. */
import { element, tint } from './elements.js';
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

/** @param {ShownMessage} message @param {boolean} own */
export function makeRow({ sender, message, time, foreign, viaFile }, own) {
  const who = own ? text('you') : shownName(sender);
  const from = foreign ? text('fromFile') : viaFile ? text('viaFile', { who }) : who;
  const bubble = element('p', { class: 'bubble', dir: 'auto' }, ...withLinks(message.slice(0, MOST_FOLDED)));
  // Korean text breaks between words, whatever the language of the page.
  if (/[ㄱ-ㆎ가-힣]/.test(message.slice(0, MOST_FOLDED))) bubble.lang = 'ko';
  const row = element(
    'li',
    { class: `row${own ? ' own' : ''}${foreign ? ' foreign' : ''}${viaFile ? ' via-file' : ''}${sizeOf(message)}` },
    tint(element('span', { class: 'from' }, from), sender),
    element('div', { class: 'content' }, bubble),
    element('span', { class: 'when' }, element('time')),
  );
  showTime(row, time);
  if (isLong(message)) row.append(fold(bubble, message));
  return row;
}

/** Changes the row only if its text differs, because it is in a live region. @param {HTMLElement} row @param {number} ms */
export function showTime(row, ms) {
  const time = row.querySelector('time');
  if (!time) return;
  const [datetime, wording] = [new Date(ms).toISOString(), clock(ms)];
  if (time.dateTime !== datetime) time.dateTime = datetime;
  if (time.textContent !== wording) time.textContent = wording;
}

/** @param {(action: 'retry' | 'delete') => void} onChoice */
export function makeFailure(onChoice) {
  const failure = element('span', { class: 'failure' }, element('span', {}, text('failed')));
  for (const action of /** @type {const} */ (['retry', 'delete'])) {
    const button = element('button', { type: 'button', class: 'text-button' }, text(action));
    button.addEventListener('click', () => onChoice(action));
    failure.append(button);
  }
  return failure;
}

/** Whether a message is only emoji, which are shown large. @param {string} message */
function sizeOf(message) {
  if (message.length > MOST_EMOJI || message.replaceAll(EMOJI, '').trim() !== '') return '';
  return (message.match(EMOJI) ?? []).length > FEW_EMOJI ? ' big many' : ' big';
}

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
  bubble.addEventListener('focusin', () => isFolded() && turn()); // the focus is on a link out of sight
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
