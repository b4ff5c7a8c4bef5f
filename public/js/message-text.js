/** The text of a message: links work, long texts are folded, and emoji alone are large. */
import { element } from './elements.js';
import { say } from './language.js';
import { linksIn } from './links.js';

// Arrows and similar characters are also used in text.
const EMOJI = /\p{RGI_Emoji}|[\p{Extended_Pictographic}--[\u2000-\u21ff©®]]\ufe0f?/gv;
const MOST_EMOJI = 100;
const FEW_EMOJI = 3;

/** Longer messages are folded … */
const LONG = { characters: 1500, lines: 20 };
/** … and of even longer ones, only so much is on the page before they are unfolded. */
const MOST_FOLDED = 10_000;

/** Shows a text, and returns the button that unfolds it if it is long. @param {HTMLElement} bubble @param {string} message */
export function showText(bubble, message) {
  bubble.classList.remove('folded');
  bubble.replaceChildren(...withLinks(message.slice(0, MOST_FOLDED)));
  // Korean text breaks between words, whatever the language of the page.
  if (/[ㄱ-ㆎ가-힣]/.test(message.slice(0, MOST_FOLDED))) bubble.lang = 'ko';
  else bubble.removeAttribute('lang');
  return isLong(message) ? fold(bubble, message) : undefined;
}

/** How many emoji a message has if it is nothing else: they are shown large. @param {string} message @returns {'few' | 'many' | undefined} */
export function emojiAlone(message) {
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
