/** The parts of a chat page, the same for two people and for a room. */
import { avatar, element } from './elements.js';
import { languageSwitch, onLanguageChange, say, sayIn, text } from './language.js';
import { shownName } from './names.js';

/** @param {string} name */
const button = (name) => element('button', { type: 'button', class: name, hidden: true });

/**
 * Builds the page and returns the parts that change later.
 * @param {{ me: string, other: string, heading: string, label: string, placeholder?: string }} options
 */
export function buildFrame({ me, other, heading, label, placeholder = 'placeholder' }) {
  const who = () => shownName(other);
  const { title, showTitle } = makeTitle(heading, who);
  const frame = {
    showTitle,
    subtitle: element('p', { class: 'subtitle', 'data-live': '' }),
    elsewhere: element('span'),
    rename: button('icon-button rename'),
    find: sayIn(
      element('button', { type: 'button', class: 'icon-button find', 'aria-expanded': 'false' }),
      'title',
      'search',
    ),
    bell: button('icon-button bell'),
    banner: element('div', { class: 'banner', hidden: true }),
    wording: element('span'),
    tryNow: say(button('text-button'), 'tryNow'),
    // Silent until the history has loaded: only what comes later is news.
    log: element('div', { role: 'log', 'aria-labelledby': 't', 'aria-live': 'off', tabindex: '0', class: 'log' }),
    earlier: say(button('earlier'), 'earlier'),
    start: say(element('p', { class: 'start', hidden: true }), 'start'),
    list: element('ol', { role: 'list' }),
    empty: say(element('p', { class: 'empty', hidden: true }), 'empty'),
    beside: element('p', { class: 'beside' }),
    pill: button('pill'),
    news: element('span'),
    happening: element('p', { class: 'happening', 'data-live': '' }),
    receipt: element('p', { class: 'receipt' }),
    form: sayIn(element('form', { class: 'composer' }), 'aria-label', 'writing'),
    note: element('p', { id: 'note', class: 'note', hidden: true }),
    undo: element('p', { class: 'undo', hidden: true }, say(element('span'), 'deleted'), ' '),
    undoButton: say(element('button', { type: 'button', class: 'text-button' }), 'undo'),
    label: say(element('label', { for: 'm', class: 'sr' }), label, { who }),
    box: element('textarea', {
      id: 'm',
      rows: '1',
      dir: 'auto',
      autocomplete: 'off', // otherwise the browser would restore text that was sent
      enterkeyhint: 'enter',
      'aria-describedby': 'note hint',
    }),
    send: say(element('button', { class: 'send' }), 'send'),
    /** With a refusal, nobody can write. @param {[string, import('./language.js').Values]} [refusal] */
    allowWriting(refusal) {
      frame.box.disabled = frame.send.disabled = refusal !== undefined;
      sayIn(frame.box, 'placeholder', ...(refusal ?? [placeholder, { who }]));
    },
    status: element('p', { role: 'status', class: 'sr' }),
  };
  const back = element('a', { href: './', class: 'icon-button back' });
  back.append(element('span', { 'aria-hidden': 'true' }, '←'), say(element('span', { class: 'sr' }), 'back'), ' ');
  back.append(frame.elsewhere);
  const self = say(element('p', { class: 'self' }), 'youAreHere', { who: shownName(me) });
  const lines = element('div', { class: 'lines' }, frame.subtitle, self);
  const titles = element('div', { class: 'titles' }, title, lines);
  const footnotes = element('div', { class: 'footnotes' }, frame.happening, frame.receipt);
  const hint = say(element('p', { id: 'hint', class: 'hint' }), 'hint');

  const blank = element('div', { class: 'blank' }, frame.empty, frame.beside);

  frame.banner.append(frame.wording, frame.tryNow);
  frame.log.append(element('div', { class: 'top' }, frame.earlier, frame.start), frame.list);
  frame.pill.append(frame.news, element('span', { 'aria-hidden': 'true' }, ' ↓'));
  frame.undo.append(frame.undoButton);
  frame.form.append(frame.undo, frame.note, frame.label, frame.box, frame.send, hint);
  sayIn(frame.find, 'aria-label', 'search');
  frame.allowWriting();
  document.body.replaceChildren(
    element('header', {}, back, avatar(who()), titles, frame.rename, frame.find, frame.bell, languageSwitch()),
    element('main', {}, frame.banner, frame.log, blank, frame.pill, footnotes),
    frame.form,
    frame.status,
  );
  return frame;
}

/** On a narrow page, the style sheet shows only the name. @param {string} key @param {() => string} who */
function makeTitle(key, who) {
  const title = element('h1', { id: 't' });
  const show = () => {
    const [before = '', after] = text(key, { who: '\n' }).split('\n');
    const around = (/** @type {string} */ words) => element('span', { class: 'around' }, words);
    if (after === undefined) title.textContent = before;
    else title.replaceChildren(around(before), element('bdi', {}, who()), around(after));
  };
  onLanguageChange(show);
  show();
  return { title, showTitle: show };
}
