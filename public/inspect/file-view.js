/** A file on the page: its bytes on the left, what they mean on the right. Rows that have not changed are kept. */
import { element } from '../js/elements.js';
import { say, text } from '../js/language.js';
import { showBytes } from './bytes.js';
import { clockWithSeconds } from './times.js';

const FRESH_MS = 4000;

export class FileSection {
  #rows = element('ol', { role: 'list' });
  #size = element('span', { class: 'size' });
  #note = element('p', { class: 'quiet' });
  /** @type {Map<string, HTMLLIElement>} */
  #known = new Map();
  #isFirst = true;

  /** @param {string} path @param {{ newestFirst: boolean }} options */
  constructor(path, { newestFirst }) {
    this.newestFirst = newestFirst;
    const id = `file-${path}`;
    this.element = element(
      'section',
      { class: 'file', 'aria-labelledby': id },
      element('h3', { id }, element('code', {}, path), ' ', this.#size),
      this.#note,
      this.#rows,
    );
  }

  /** @param {FileView} view @param {boolean} isNews whether this file has come while we look */
  show({ size, pieces, problem }, isNews) {
    say(this.#size, 'bytes', { n: size });
    const before = pieces[0]?.from ?? 0;
    this.#note.hidden = !problem && before === 0 && size > 0;
    if (problem) say(this.#note, `problem.${problem}`);
    else if (size === 0) say(this.#note, 'noBytes');
    else say(this.#note, 'before', { n: before });

    const known = this.#known;
    this.#known = new Map();
    const rows = (this.newestFirst ? pieces.toReversed() : pieces).map((span) => {
      const key = JSON.stringify([span.from, span.end, span.says]);
      const row = known.get(key) ?? rowOf(span);
      if (!known.has(key) && (isNews || !this.#isFirst)) freshen(row);
      this.#known.set(key, row);
      return row;
    });
    if (rows.length !== this.#rows.childElementCount || rows.some((row, i) => this.#rows.children[i] !== row)) {
      this.#rows.replaceChildren(...rows);
    }
    this.#isFirst = false;
  }
}

/** @param {HTMLLIElement} row */
function freshen(row) {
  row.classList.add('fresh');
  setTimeout(() => row.classList.remove('fresh'), FRESH_MS);
}

/** @param {Span} span */
function rowOf(span) {
  const { from, end, says } = span;
  const at = say(element('p', { class: 'at' }), 'at', { from, end });
  const said = element('div', { class: 'says' }, ...saying(says));
  if (says.kind === 'event' && says.isLate) said.append(say(element('p', { class: 'quiet' }), 'isLate'));
  return element('li', { class: says.kind }, element('div', { class: 'bytes' }, at, showBytes(span)), said);
}

/** @param {Says} says @returns {HTMLElement[]} */
function saying(says) {
  switch (says.kind) {
    case 'event':
      return [head(says), element('p', { class: 'text', dir: 'auto' }, says.text)];
    case 'damaged': {
      const why = () => text(`why.${says.why}`) || says.why;
      return [say(element('p', { class: 'bad' }), 'says.damaged', { why })];
    }
    case 'unfinished':
      return [say(element('p', { class: 'bad' }), says.lines ? 'says.lines' : 'says.half')];
    default:
      return [say(element('p', { class: 'quiet' }), `says.${says.kind}`)];
  }
}

/** The sender and the time. @param {Extract<Says, { kind: 'event' }>} event */
function head({ id, time, sender, type }) {
  const who = element('strong', {}, sender ?? '');
  if (sender === undefined) say(who, 'fromFile');
  const made = element('p', { class: 'head' }, who);
  if (time !== undefined) {
    made.append(
      ' ',
      say(element('time', { datetime: new Date(time).toISOString() }), 'when', { when: () => clockWithSeconds(time) }),
    );
  }
  if (type !== undefined) made.append(' ', element('code', {}, type));
  if (id !== undefined) made.append(' ', element('code', {}, id));
  return made;
}
