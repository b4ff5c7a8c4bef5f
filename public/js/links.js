/** Turns the web addresses in a text into links; everything else stays the text it is. */
import { element } from './elements.js';

const ADDRESS = /https?:\/\/[^\s<>"'`]+/giu;

/** A full stop or a bracket behind an address belongs to the sentence. @param {string} address */
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
export function linkify(text) {
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
