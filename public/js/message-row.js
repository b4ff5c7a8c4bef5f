/** One message as a row. The style sheet draws its ticks, so that they never speak from the log. */
import { element, tint } from './elements.js';
import { clock, text } from './language.js';

const ADDRESS = /https?:\/\/[^\s<>"'`]+/giu;

const BIG = /^(?:\p{RGI_Emoji}\s?){1,3}$/v;

/** @param {ShownMessage} message @param {boolean} own */
export function makeRow({ sender, message, time, foreign }, own) {
  const from = foreign ? text('fromFile') : own ? text('you') : sender;
  return element(
    'li',
    { class: `row${own ? ' own' : ''}${foreign ? ' foreign' : ''}${BIG.test(message) ? ' big' : ''}` },
    tint(element('span', { class: 'from' }, from), sender),
    element('p', { class: 'bubble', dir: 'auto' }, ...linkify(message)),
    element('span', { class: 'when' }, element('time', { datetime: new Date(time).toISOString() }, clock(time))),
  );
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

/** A full stop behind an address belongs to the sentence. @param {string} address */
function withoutTail(address) {
  let kept = address;
  const isUnopened = () => kept.endsWith(')') && kept.split(')').length > kept.split('(').length;
  while (/[.,;:!?…。、]/u.test(kept.slice(-1)) || isUnopened()) kept = kept.slice(0, -1);
  return kept;
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
