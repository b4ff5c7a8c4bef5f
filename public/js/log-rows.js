/** The rows of the log: messages, the days they fall on, and the line where reading has stopped. */
import { showFiles } from './attachments.js';
import { element } from './elements.js';
import { say } from './language.js';
import { differs, makeFailure, makeRow, showMessage, showTime } from './message-row.js';
import { clock, dayKey, dayName } from './times.js';

const GROUP_MS = 5 * 60_000;
const LINE = 'line';

export class LogRows {
  /** @type {Map<string, HTMLLIElement>} */ #rows = new Map();
  /** @type {WeakMap<Element, ShownMessage>} */ #messages = new WeakMap();

  /**
   * @param {HTMLElement} list
   * @param {import('./message-row.js').Known & { onChoice: (failed: ShownMessage, action: 'retry' | 'delete') => void,
   *   onChange: () => void }} options `onChange`: a row that was already read out is about to change
   */
  constructor(list, options) {
    this.list = list;
    this.options = options;
  }

  /** @param {string} identity */
  get(identity) {
    return this.#rows.get(identity);
  }

  /** The message whose row an element is in. @param {EventTarget | null} target */
  messageAt(target) {
    const row = target instanceof Element && target.closest('.row');
    return row ? this.#messages.get(row) : undefined;
  }

  get line() {
    return this.#rows.get(LINE);
  }

  /** From the top. */
  get messages() {
    return [...this.#rows.values()].filter((row) => row.matches('.row'));
  }

  /** Makes all rows again, because the language has changed. */
  forget() {
    this.#rows.clear();
  }

  /** Changes only rows that differ. @param {readonly ShownMessage[]} messages @param {string | undefined} line the message below the line */
  show(messages, line) {
    /** @type {Map<string, HTMLLIElement>} */
    const wanted = new Map();
    /** @type {ShownMessage | undefined} */
    let previous;
    for (const message of messages) {
      const { identity } = message;
      const isNewDay = !previous || dayKey(previous.time) !== dayKey(message.time);
      if (isNewDay) wanted.set(`day ${identity}`, this.#day(message));
      if (identity === line) wanted.set(LINE, this.line ?? makeLine());
      wanted.set(identity, this.#row(message, isNewDay || identity === line ? undefined : previous));
      previous = message;
    }
    this.#replace(wanted);
  }

  /** @param {ShownMessage} message */
  #day({ identity, time }) {
    const row = this.#rows.get(`day ${identity}`) ?? element('li', { class: 'day' }, element('span'));
    const name = row.firstElementChild;
    if (name && name.textContent !== dayName(time)) name.textContent = dayName(time);
    return row;
  }

  /** @param {ShownMessage} message @param {ShownMessage | undefined} previous in the same group, perhaps */
  #row(message, previous) {
    const { isOwn } = this.options;
    const known = this.#rows.get(message.identity);
    const row = known ?? makeRow(message, this.options);
    this.#messages.set(row, message);
    if (known && differs(known, message, this.options)) {
      this.options.onChange();
      showMessage(known, message, this.options);
      known.removeAttribute('aria-label'); // it tells the text from before
    }
    showFiles(row, message, () => this.options.onChoice(message, 'delete'));
    showTime(row, message.time);
    const joined =
      previous?.sender === message.sender &&
      previous.foreign === message.foreign &&
      previous.viaFile === message.viaFile &&
      message.time - previous.time < GROUP_MS;
    row.classList.toggle('joined', joined);
    row.classList.toggle('same-time', joined && clock(previous.time) === clock(message.time));
    if (isOwn(message) && row.dataset.state !== message.state) row.dataset.state = message.state;
    this.#showFailure(row, message);
    return row;
  }

  /** @param {HTMLElement} row @param {ShownMessage} message */
  #showFailure(row, message) {
    const { onChoice, onChange } = this.options;
    const wording = message.state === 'failed' ? 'failed' : message.change?.state === 'failed' ? 'changeFailed' : '';
    const failure = row.querySelector('.failure');
    if (!wording) failure?.remove();
    else if (!failure) {
      onChange();
      row.append(makeFailure(wording, (action) => onChoice(this.#messages.get(row) ?? message, action)));
    }
  }

  /** Inserts adjacent new rows together. @param {Map<string, HTMLLIElement>} wanted */
  #replace(wanted) {
    const { list } = this;
    const kept = new Set(wanted.values());
    for (const row of list.querySelectorAll('li')) if (!kept.has(row)) row.remove();
    let at = list.firstElementChild;
    let run = document.createDocumentFragment();
    for (const row of kept) {
      if (row !== at) {
        run.append(row);
        continue;
      }
      if (run.hasChildNodes()) list.insertBefore(run, at);
      run = document.createDocumentFragment();
      at = at.nextElementSibling;
    }
    if (run.hasChildNodes()) list.append(run);
    this.#rows = wanted;
  }
}

const makeLine = () => element('li', { class: 'day unread-line' }, say(element('span'), 'newLine'));
