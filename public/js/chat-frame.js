/** The parts of a chat page, the same for two people and for a room. */
import { avatar, element } from './elements.js';
import { languageSwitch, say, sayIn } from './language.js';

/** @param {string} name */
const button = (name) => element('button', { type: 'button', class: name, hidden: true });

/** Builds the page and returns what moves later. @param {{ who: string, heading: string, label: string }} options */
export function buildFrame({ who, heading, label }) {
  const frame = {
    subtitle: element('p', { class: 'subtitle' }),
    elsewhere: element('span'),
    bell: button('icon-button bell'),
    banner: element('div', { class: 'banner', hidden: true }),
    wording: element('span'),
    tryNow: say(button('text-button'), 'tryNow'),
    // Silent until the history is there: only what comes after it is news.
    log: element('div', { role: 'log', 'aria-labelledby': 't', 'aria-live': 'off', tabindex: '0', class: 'log' }),
    earlier: say(button('earlier'), 'earlier'),
    start: say(element('p', { class: 'start', hidden: true }), 'start'),
    list: element('ol', { role: 'list' }),
    empty: say(element('p', { class: 'empty', hidden: true }), 'empty'),
    pill: button('pill'),
    news: element('span'),
    happening: element('p', { class: 'happening' }),
    receipt: element('p', { class: 'receipt' }),
    form: sayIn(element('form', { class: 'composer' }), 'aria-label', 'writing'),
    note: element('p', { id: 'note', class: 'note', hidden: true }),
    undo: element('p', { class: 'undo', hidden: true }, say(element('span'), 'deleted'), ' '),
    undoButton: say(element('button', { type: 'button', class: 'text-button' }), 'undo'),
    label: say(element('label', { for: 'm', class: 'sr' }), label, { who }),
    box: sayIn(
      element('textarea', {
        id: 'm',
        rows: '1',
        dir: 'auto',
        autocomplete: 'off', // a browser would bring back what was sent
        enterkeyhint: 'enter',
        'aria-describedby': 'note hint',
      }),
      'placeholder',
      'placeholder',
      { who },
    ),
    status: element('p', { role: 'status', class: 'sr' }),
  };
  const back = element('a', { href: './', class: 'icon-button back' });
  back.append(element('span', { 'aria-hidden': 'true' }, '←'), say(element('span', { class: 'sr' }), 'back'), ' ');
  back.append(frame.elsewhere);
  const title = say(element('h1', { id: 't' }), heading, { who });
  const titles = element('div', { class: 'titles' }, title, frame.subtitle);
  const footnotes = element('div', { class: 'footnotes' }, frame.happening, frame.receipt);
  const send = say(element('button', { class: 'send' }), 'send');
  const hint = say(element('p', { id: 'hint', class: 'hint' }), 'hint');

  frame.banner.append(frame.wording, frame.tryNow);
  frame.log.append(element('div', { class: 'top' }, frame.earlier, frame.start), frame.list);
  frame.pill.append(frame.news, element('span', { 'aria-hidden': 'true' }, ' ↓'));
  frame.undo.append(frame.undoButton);
  frame.form.append(frame.undo, frame.note, frame.label, frame.box, send, hint);
  document.body.replaceChildren(
    element('header', {}, back, avatar(who), titles, frame.bell, languageSwitch()),
    element('main', {}, frame.banner, frame.log, frame.empty, frame.pill, footnotes),
    frame.form,
    frame.status,
  );
  return frame;
}
