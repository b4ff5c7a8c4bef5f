/** The parts of a chat page, the same for two people and for a room. */
import { avatar, element } from './elements.js';
import { say, sayIn } from './language.js';
import { languageSwitch } from './language-switch.js';

/** @typedef {ReturnType<typeof buildFrame>} Frame */

/** Builds the page and returns what it has to move later. @param {{ who: string, heading: string }} options */
export function buildFrame({ who, heading }) {
  const title = say(element('h1', { id: 't' }), heading, { who });
  const subtitle = element('p', { class: 'subtitle' });
  const elsewhere = element('span', { class: 'badge', hidden: true });
  const bell = element('button', { type: 'button', class: 'icon-button bell', hidden: true });
  const back = element(
    'a',
    { href: './', class: 'icon-button back' },
    element('span', { 'aria-hidden': 'true', class: 'arrow' }, '←'),
    say(element('span', { class: 'sr' }), 'back'),
    elsewhere,
  );

  const wording = element('span');
  const tryNow = say(element('button', { type: 'button', class: 'text-button' }), 'tryNow');
  const banner = element('div', { class: 'banner', hidden: true }, wording, tryNow);

  const earlier = say(element('button', { type: 'button', class: 'earlier', hidden: true }), 'earlier');
  const start = say(element('p', { class: 'start', hidden: true }), 'start');
  const list = element('ol', { role: 'list' });
  // Silent until the history is there: only what comes after it is news.
  const log = element(
    'div',
    { role: 'log', 'aria-labelledby': 't', 'aria-live': 'off', tabindex: '0', class: 'log' },
    element('div', { class: 'top' }, earlier, start),
    list,
  );
  const empty = say(element('p', { class: 'empty', hidden: true }), 'empty');
  const pill = element(
    'button',
    { type: 'button', class: 'pill', hidden: true },
    element('span'),
    element('span', { 'aria-hidden': 'true' }, ' ↓'),
  );
  const happening = element('p', { class: 'happening' });
  const receipt = element('p', { class: 'receipt' });

  const label = element('label', { for: 'm', class: 'sr' });
  const box = element('textarea', { id: 'm', rows: '1', enterkeyhint: 'send', 'aria-describedby': 'note hint' });
  const note = element('p', { id: 'note', class: 'note', hidden: true });
  const form = sayIn(
    element(
      'form',
      { class: 'composer' },
      note,
      label,
      box,
      element('button', { class: 'send' }, say(element('span', { class: 'word' }), 'send')),
      say(element('p', { id: 'hint', class: 'hint' }), 'hint'),
    ),
    'aria-label',
    'writing',
  );
  const status = element('p', { role: 'status', class: 'sr' });

  document.body.replaceChildren(
    element(
      'header',
      {},
      back,
      avatar(who),
      element('div', { class: 'titles' }, title, subtitle),
      bell,
      languageSwitch(),
    ),
    element('main', {}, banner, log, empty, pill, element('div', { class: 'footnotes' }, happening, receipt)),
    form,
    status,
  );
  return {
    subtitle,
    elsewhere,
    bell,
    banner,
    wording,
    tryNow,
    log,
    earlier,
    start,
    list,
    empty,
    pill,
    happening,
    receipt,
    form,
    label,
    box,
    note,
    status,
  };
}
