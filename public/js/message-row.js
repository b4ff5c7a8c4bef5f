/** One message as a row. The style sheet draws its ticks, so that they never speak from the log. */
import { element, tint } from './elements.js';
import { clock, text } from './language.js';

const ADDRESS = /https?:\/\/[^\s<>"'`]+/giu;

/** @type {RegExp | undefined} */
let bigEmoji;
try {
  bigEmoji = new RegExp(String.raw`^(?:\p{RGI_Emoji}\s?){1,3}$`, 'v');
} catch {
  // emoji stay small
}

/** @param {ChatMessage} message @param {boolean} own */
export function makeRow({ sender, message, time, foreign }, own) {
  const from = foreign ? text('fromFile') : own ? text('you') : sender;
  return element(
    'li',
    { class: `row${own ? ' own' : ''}${foreign ? ' foreign' : ''}${bigEmoji?.test(message) ? ' big' : ''}` },
    tint(element('span', { class: 'from' }, from), sender),
    element('p', { class: 'bubble', dir: 'auto' }, ...linkify(message)),
    element('span', { class: 'when' }, element('time', { datetime: new Date(time).toISOString() }, clock(time))),
  );
}

/** @param {{ onRetry: () => void, onDelete: () => void }} actions */
export function makeFailure({ onRetry, onDelete }) {
  const retry = element('button', { type: 'button', class: 'text-button' }, text('retry'));
  const remove = element('button', { type: 'button', class: 'text-button' }, text('delete'));
  retry.addEventListener('click', onRetry);
  remove.addEventListener('click', onDelete);
  return element('span', { class: 'failure' }, element('span', {}, text('failed')), retry, remove);
}

/** A full stop behind an address belongs to the sentence. @param {string} address */
function withoutTail(address) {
  let end = address.length;
  while (end > 0) {
    const last = address.charAt(end - 1);
    const body = address.slice(0, end);
    if (/[.,;:!?…。、]/u.test(last)) end--;
    else if (last === ')' && body.split(')').length > body.split('(').length) end--;
    else break;
  }
  return address.slice(0, end);
}

/** @param {string} text @returns {(Node | string)[]} */
function linkify(text) {
  const parts = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    const address = withoutTail(found);
    if (!URL.canParse(address)) continue;
    const link = element('a', { href: address, target: '_blank', rel: 'noopener noreferrer nofollow ugc' }, address);
    parts.push(text.slice(from, index), link);
    from = index + address.length;
  }
  return [...parts, text.slice(from)];
}
