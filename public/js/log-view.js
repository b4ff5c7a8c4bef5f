/** Shows messages in the log, without ever moving what is being read. It is a live region: only rows that differ are touched. */
import { element } from './elements.js';
import { clock, dayKey, dayName, onLanguageChange, say } from './language.js';
import { makeFailure, makeRow } from './message-row.js';

const MOST_ROWS = 300;
const STEP = 50;
const STUCK_PX = 100;
const NEAR_PX = 400;
const GROUP_MS = 5 * 60_000;
// Assistive technology reads a change somewhat later than it happens.
const SILENCE_MS = 2000;

export class LogView {
  /** @type {readonly ShownMessage[]} */ #messages = [];
  /** @type {Map<string, HTMLLIElement>} */ #rows = new Map();
  #silence = 0;
  #start = 0;
  #end = 0;
  #stuck = true;
  #top = 0;
  #height = '';
  #unseen = 0;
  #today = '';

  /**
   * @param {Frame} frame
   * @param {{ isOwn: (message: ShownMessage) => boolean,
   *   onChoice: (failed: ShownMessage, action: 'retry' | 'delete') => void }} options
   */
  constructor(frame, options) {
    this.frame = frame;
    this.options = options;
    const { log, list, pill } = frame;
    log.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    pill.addEventListener('click', () => {
      this.toNewest();
      log.focus({ preventScroll: true }); // the pill goes, and the focus must not go with it
    });
    const stay = new ResizeObserver(() => this.#stay());
    stay.observe(log);
    stay.observe(list);
    onLanguageChange(() => this.#rebuild());
  }

  get hasMoreAbove() {
    return this.#start > 0;
  }

  get isAtNewest() {
    return this.#stuck && this.#end === this.#messages.length;
  }

  listen() {
    this.frame.log.setAttribute('aria-live', 'polite');
  }

  silence() {
    const { log } = this.frame;
    if (log.getAttribute('aria-live') === 'off' && !this.#silence) return; // not live yet
    clearTimeout(this.#silence);
    log.setAttribute('aria-live', 'off');
    this.#silence = setTimeout(() => {
      this.#silence = 0;
      this.listen();
    }, SILENCE_MS);
  }

  /** @param {readonly ShownMessage[]} messages @param {number} [arrived] */
  show(messages, arrived = 0) {
    const fromTheFirst = this.#start === 0;
    const toTheLast = this.#end === this.#messages.length;
    const first = this.#messages[this.#start]?.identity;
    const last = this.#messages[this.#end - 1]?.identity;
    const rendered = this.#end - this.#start;
    this.#messages = messages;

    let end = toTheLast ? messages.length : messages.findIndex((one) => one.identity === last) + 1;
    if (end === 0) end = messages.length;
    let start = fromTheFirst ? 0 : messages.findIndex((one) => one.identity === first);
    if (start < 0) start = Math.max(0, end - rendered);
    if (end - start > MOST_ROWS) {
      if (this.#stuck) start = end - MOST_ROWS;
      else end = start + MOST_ROWS;
    }
    this.#render(start, end);
    if (!this.isAtNewest) this.#unseen += arrived;
    this.#showPill();
  }

  /** Whoever asks for what is earlier does not follow the newest, wherever the log was scrolled to. */
  leaveNewest() {
    this.silence();
    this.#stuck = false;
  }

  showEarlier() {
    this.leaveNewest();
    const start = Math.max(0, this.#start - STEP);
    this.#render(start, Math.min(this.#end, start + MOST_ROWS));
    this.#showPill();
  }

  /** Where the rows in view had to go for the earlier ones, these come into view. */
  turnToEarlier() {
    if (this.#end < this.#messages.length && this.#below() < NEAR_PX) this.frame.log.scrollTop = 0;
  }

  toNewest() {
    const end = this.#messages.length;
    this.#stuck = true;
    if (this.#end !== end) {
      this.silence();
      this.#render(Math.max(0, end - 2 * STEP), end);
    }
    this.#stay();
    this.#unseen = 0;
    this.#showPill();
  }

  /** The day names of yesterday's log are wrong after midnight. */
  refreshDays() {
    if (this.#today !== dayKey(Date.now())) this.#rebuild();
  }

  #rebuild() {
    this.silence();
    this.#rows.clear();
    this.#render(this.#start, this.#end);
    this.#showPill();
  }

  #below() {
    const { log } = this.frame;
    return log.scrollHeight - log.scrollTop - log.clientHeight;
  }

  #scrolled() {
    const { log } = this.frame;
    const below = this.#below();
    const wentUp = log.scrollTop < this.#top && this.#height === heights(log);
    this.#top = log.scrollTop;
    this.#height = heights(log);
    // An event that was under way when the window shrank or the box grew is nobody who scrolls up.
    this.#stuck = below <= STUCK_PX || (this.#stuck && !wentUp);
    if (this.#end < this.#messages.length && below < NEAR_PX) {
      this.silence();
      const end = Math.min(this.#messages.length, this.#end + STEP);
      this.#stuck = false;
      this.#render(Math.max(this.#start, end - MOST_ROWS), end);
    } else if (this.isAtNewest) this.#unseen = 0;
    this.#showPill();
  }

  #stay() {
    const { log } = this.frame;
    if (!this.#stuck) return;
    log.scrollTop = log.scrollHeight;
    this.#top = log.scrollTop;
    this.#height = heights(log);
  }

  #showPill() {
    const { pill, news, log } = this.frame;
    const far = this.#end < this.#messages.length || log.scrollHeight - log.scrollTop > 2.5 * log.clientHeight;
    if (this.#unseen) say(news, 'new', { n: this.#unseen });
    else if (far) say(news, 'newest');
    pill.hidden = this.#unseen === 0 && (this.#stuck || !far);
  }

  /** @param {number} start @param {number} end */
  #render(start, end) {
    const keepPlace = this.#stuck ? undefined : this.#holdPlace();
    this.#start = start;
    this.#end = end;
    this.#today = dayKey(Date.now());
    this.#replaceRows(this.#wantedRows());
    keepPlace?.();
    this.#stay();
  }

  /** @returns {Map<string, HTMLLIElement>} */
  #wantedRows() {
    /** @type {Map<string, HTMLLIElement>} */
    const wanted = new Map();
    /** @type {ShownMessage | undefined} */
    let previous;
    for (const message of this.#messages.slice(this.#start, this.#end)) {
      const newDay = !previous || dayKey(previous.time) !== dayKey(message.time);
      if (newDay) {
        const key = `day ${dayKey(message.time)} ${message.identity}`;
        wanted.set(
          key,
          this.#rows.get(key) ?? element('li', { class: 'day' }, element('span', {}, dayName(message.time))),
        );
      }
      wanted.set(message.identity, this.#row(message, newDay ? undefined : previous));
      previous = message;
    }
    return wanted;
  }

  /** @param {ShownMessage} message @param {ShownMessage | undefined} previous of the same day */
  #row(message, previous) {
    const { isOwn, onChoice } = this.options;
    const row = this.#rows.get(message.identity) ?? makeRow(message, isOwn(message));
    const joined =
      previous?.sender === message.sender &&
      previous.foreign === message.foreign &&
      message.time - previous.time < GROUP_MS;
    row.classList.toggle('joined', joined);
    row.classList.toggle('same-time', joined && clock(previous.time) === clock(message.time));
    if (isOwn(message) && row.dataset.state !== message.state) row.dataset.state = message.state;
    const failure = row.querySelector('.failure');
    if (message.state === 'failed' && !failure) {
      this.silence(); // the status line says it
      row.append(makeFailure((action) => onChoice(message, action)));
    } else if (message.state !== 'failed') failure?.remove();
    return row;
  }

  /** Neighbours that are new go in with one insertion. @param {Map<string, HTMLLIElement>} wanted */
  #replaceRows(wanted) {
    const { list } = this.frame;
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

  /** The returned function puts the first visible row back where it stood. */
  #holdPlace() {
    const { log } = this.frame;
    const isInView = (/** @type {HTMLElement} */ one) => one.offsetTop + one.offsetHeight > log.scrollTop;
    const row = [...this.#rows.values()].find((one) => one.matches('.row') && isInView(one));
    const above = row ? row.offsetTop - log.scrollTop : 0;
    return () => {
      if (row?.isConnected) log.scrollTop = row.offsetTop - above;
    };
  }
}

/** @param {HTMLElement} log */
function heights({ scrollHeight, clientHeight }) {
  return `${scrollHeight} ${clientHeight}`;
}
