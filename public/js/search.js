/** Search in a conversation: a field, and the messages that were found, with the text marked. */
import { element } from './elements.js';
import { pagesWith } from './far-pages.js';
import { say, sayIn, text } from './language.js';
import './later-style.js';
import { focusRow } from './message-reach.js';
import { shownName } from './names.js';
import { Refusal, searchMessages } from './server.js';
import { shortWhen } from './times.js';

const LEAST = 2;
const MOST = 200;
const PAUSE_MS = 300;
const SOME = 20;
const BEFORE = 40;
const AFTER = 160;

/** What to look for in messages, as the server does; undefined if it is too short. @param {string} typed */
function patternOf(typed) {
  const wanted = typed.normalize('NFC').trim();
  if (Array.from(wanted).length < LEAST) return undefined;
  const words = wanted.split(/\s+/u).map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`));
  return new RegExp(words.join(String.raw`\s+`), 'giu');
}

export class Search {
  #timer = 0;
  /** Counts the searches: an answer to an earlier one comes too late. */
  #turn = 0;
  #wanted = '';
  /** @type {string | null | undefined} */ #before;
  /** @type {Map<string, FoundMessage>} */ #found = new Map();

  /**
   * @param {{ me: string, frame: Frame, pages: import('./shown-pages.js').ShownPages,
   *   view: import('./log-view.js').LogView }} options
   */
  constructor(options) {
    this.options = options;
    this.box = element('input', {
      type: 'search',
      id: 'search',
      class: 'field',
      dir: 'auto',
      maxlength: String(MOST),
      autocomplete: 'off',
      enterkeyhint: 'search',
    });
    const label = say(element('label', { for: 'search', class: 'sr' }), 'search');
    const close = element('button', { type: 'button', class: 'icon-button close' }, '✕');
    sayIn(close, 'aria-label', 'closeSearch');
    this.form = element('form', { role: 'search', class: 'search-bar' }, label, this.box, close);
    this.count = element('p', { class: 'found-count', role: 'status' });
    this.list = element('ol', { role: 'list' });
    this.more = say(element('button', { type: 'button', class: 'earlier' }), 'searchMore');
    this.results = element('div', { class: 'found', tabindex: '-1' }, this.count, this.list, this.more);
    this.place = element('div', { class: 'search' }, this.form, this.results);
    sayIn(this.box, 'placeholder', 'search');
    close.addEventListener('click', () => this.close());
    this.more.addEventListener('click', () => void this.#searchOn());
    this.#listen();
    options.frame.log.parentElement?.prepend(this.place);
  }

  open() {
    this.place.hidden = false;
    this.options.frame.find.setAttribute('aria-expanded', 'true');
    this.box.focus(); // shows what was found
    this.box.select();
  }

  close() {
    const { find } = this.options.frame;
    this.#turn++;
    this.#wanted = '';
    this.place.hidden = true;
    find.setAttribute('aria-expanded', 'false');
    CSS.highlights?.delete('found');
    find.focus();
  }

  #listen() {
    const { box, form, list, place } = this;
    box.addEventListener('input', () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#search(), PAUSE_MS);
    });
    box.addEventListener('focus', () => (this.results.hidden = this.#wanted === ''));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      clearTimeout(this.#timer);
      if (box.value === this.#wanted) list.querySelector('button')?.click();
      else this.#search();
    });
    list.addEventListener('click', ({ target }) => {
      const button = target instanceof Element && target.closest('button');
      const found = button && this.#found.get(button.dataset.id ?? '');
      if (found) void this.#choose(found);
    });
    place.addEventListener('keydown', (event) => this.#press(event));
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const { box, list } = this;
    event.stopPropagation(); // what is typed here is not for the composer
    if (event.isComposing || event.keyCode === 229) return;
    const { key, ctrlKey, metaKey, altKey } = event;
    if (key === 'Escape') return this.close();
    if (key === 'ArrowDown' || key === 'ArrowUp') {
      event.preventDefault();
      const stops = [box, ...list.querySelectorAll('button')];
      const at = stops.findIndex((one) => one === document.activeElement);
      stops[Math.max(0, at + (key === 'ArrowDown' ? 1 : -1))]?.focus();
    } else if (key.length === 1 && key !== ' ' && !ctrlKey && !metaKey && !altKey) box.focus();
  }

  #search() {
    const { value } = this.box;
    if (value === this.#wanted) return;
    const isLongEnough = patternOf(value) !== undefined;
    this.#turn++;
    this.#wanted = isLongEnough ? value : '';
    this.#before = undefined;
    this.#found.clear();
    this.list.replaceChildren();
    this.results.hidden = !isLongEnough;
    if (isLongEnough) void this.#searchOn();
  }

  /** Asks until there are some more messages. An answer may have none although there are some further up. */
  async #searchOn() {
    const turn = ++this.#turn;
    const enough = this.#found.size + SOME;
    this.more.hidden = true;
    say(this.count, 'searching');
    try {
      do {
        const before = this.#before ?? undefined;
        const answer = await searchMessages({
          ...this.options.pages.options.history.which,
          text: this.#wanted.trim(),
          before,
        });
        if (turn !== this.#turn) return;
        this.#before = answer.before;
        for (const found of answer.messages) this.#add(found);
      } while (this.#before && this.#found.size < enough);
      this.more.hidden = !this.#before;
      const n = this.#found.size;
      say(this.count, n === 0 ? 'foundNothing' : this.#before ? 'foundSome' : 'found', { n });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (turn !== this.#turn) return;
      say(this.count, 'noAnswer');
      this.more.hidden = false;
    }
  }

  /** @param {FoundMessage} found */
  #add(found) {
    const { mailbox, id, sender, foreign = false, message, time } = found;
    const key = `${mailbox} ${id}`;
    if (this.#found.has(key)) return;
    this.#found.set(key, found);
    const isOwn = sender === this.options.me && !foreign;
    const who = isOwn ? text('you') : sender === null ? text('fromFile') : shownName(sender);
    const button = element(
      'button',
      { type: 'button', class: 'hit', 'data-id': key },
      element('bdi', { class: 'hit-from' }, who),
      element('time', { datetime: time }, shortWhen(Date.parse(time))),
      element('span', { class: 'hit-text', dir: 'auto' }, ...this.#excerpt(message.normalize('NFC'))),
    );
    this.list.append(element('li', {}, button));
  }

  /** The part of a message where the text is. @param {string} message */
  #excerpt(message) {
    const pattern = patternOf(this.#wanted);
    const first = pattern ? message.search(pattern) : 0;
    const from = first > BEFORE ? Math.max(0, message.lastIndexOf(' ', first - BEFORE / 2), first - BEFORE) : 0;
    const part = message.slice(from, first + AFTER);
    const parts = [from ? '…' : ''];
    let at = 0;
    for (const { 0: match, index } of pattern ? part.matchAll(pattern) : []) {
      parts.push(part.slice(at, index), /** @type {any} */ (element('mark', {}, match)));
      at = index + match.length;
    }
    return [...parts, part.slice(at), first + AFTER < message.length ? '…' : ''];
  }

  /** @param {FoundMessage} found */
  async #choose(found) {
    const { pages } = this.options;
    const { history } = pages.options;
    const shown = pages.conversation.knows(found) ? pages.pages : await pagesWith(history, found, pages.options.show);
    if (!shown) say(this.count, 'noAnswer');
    else this.#turnTo(shown, found);
  }

  /** @param {import('./history-pages.js').HistoryPages} shown @param {FoundMessage} found */
  #turnTo(shown, found) {
    const { pages, view } = this.options;
    pages.turnTo(shown);
    const row = view.reveal(shown.conversation.identityOf(found) ?? '');
    this.results.hidden = true;
    if (!row) return;
    focusRow(row);
    this.#markIn(row);
  }

  /** Marks the text without a change of the log, which would be read out. @param {HTMLElement} row */
  #markIn(row) {
    const bubble = row.querySelector('.bubble');
    const pattern = patternOf(this.#wanted);
    if (!CSS.highlights || !bubble || !pattern) return;
    const marks = new Highlight();
    const texts = document.createTreeWalker(bubble, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
      for (const { 0: match, index } of (node.nodeValue ?? '').matchAll(pattern)) {
        marks.add(
          new StaticRange({
            startContainer: node,
            startOffset: index,
            endContainer: node,
            endOffset: index + match.length,
          }),
        );
      }
    }
    CSS.highlights.set('found', marks);
  }
}
