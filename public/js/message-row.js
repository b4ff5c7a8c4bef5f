/** One message as a row of the log. Its ticks are drawn by the style sheet, so that they never speak from the log. */
import { clock } from './clock.js';
import { element, hueOf } from './elements.js';
import { text } from './language.js';
import { linkify } from './links.js';

/** @typedef {import('./conversation.js').ChatMessage} ChatMessage */

/** @type {RegExp | undefined} */
let bigEmoji;
try {
  bigEmoji = new RegExp(String.raw`^(?:\p{RGI_Emoji}\s?){1,3}$`, 'v');
} catch {
  // An older browser: emoji stay small.
}

/** @param {ChatMessage} message @param {boolean} own */
export function makeRow({ sender, message, time, foreign }, own) {
  const from = foreign ? text('fromFile') : own ? text('you') : sender;
  return element(
    'li',
    { class: `row${own ? ' own' : ''}${foreign ? ' foreign' : ''}${bigEmoji?.test(message) ? ' big' : ''}` },
    element('span', { class: `from ${hueOf(sender)}` }, from),
    element('p', { class: 'bubble', dir: 'auto' }, ...linkify(message)),
    element('span', { class: 'when' }, element('time', { datetime: new Date(time).toISOString() }, clock(time))),
  );
}

/** What stands under a message that did not get through. @param {{ onRetry: () => void, onDelete: () => void }} actions */
export function makeFailure({ onRetry, onDelete }) {
  const retry = element('button', { type: 'button', class: 'text-button' }, text('retry'));
  const remove = element('button', { type: 'button', class: 'text-button' }, text('delete'));
  retry.addEventListener('click', onRetry);
  remove.addEventListener('click', onDelete);
  return element('span', { class: 'failure' }, element('span', {}, text('failed')), retry, remove);
}
