/** Shows messages in the log, and never moves what is being read. It is a live region, so only rows that differ are changed. */
import { onLanguageChange, say } from './language.js';
import { LogRows } from './log-rows.js';
import { onNewDay } from './times.js';

const MOST_ROWS = 300;
const STEP = 50;
const STUCK_PX = 100;
const NEAR_PX = 400;
/** How far down the log to put the line where reading has stopped, as a part of its height. */
const LINE_AT = 0.15;
// Assistive technology reads a change a moment after it happens.
const SILENCE_MS = 2000;
const FOUND_MS = 2500;

export class LogView {
  /** @type {readonly ShownMessage[]} */ #messages = [];
  #silence = 0;
  #start = 0;
  #end = 0;
  #stuck = true;
  #top = 0;
  #height = '';
  #unseen = 0;
  /** @type {string | undefined} */ #line;
  // Until somebody scrolls, the first new message stays in sight.
  #holdsLine = false;
  /** Whether newer messages than these exist. */
  isPast = false;

  /**
   * @param {Frame} frame
   * @param {import('./message-row.js').Known & {
   *   onChoice: (failed: ShownMessage, action: 'retry' | 'delete') => void,
   *   onScroll: () => void, onTop: () => void, onNewest: () => void }} options `onTop`: somebody wants earlier messages; `onNewest`: the newest
   */
  constructor(frame, options) {
    this.frame = frame;
    this.options = options;
    const { log, list, pill } = frame;
    this.rows = new LogRows(list, { ...options, onChange: () => this.silence() }); // the status line says it
    log.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    pill.addEventListener('click', () => {
      this.toNewest();
      log.focus({ preventScroll: true }); // the button disappears, and the focus must not disappear with it
    });
    // Scrolling gives rows their real heights. Within the callback, that would be a loop, which browsers report as an error.
    const stay = new ResizeObserver(() => requestAnimationFrame(() => this.#stay()));
    stay.observe(log);
    stay.observe(list);
    onLanguageChange(() => {
      this.rows.forget();
      this.#showAgain();
    });
    onNewDay(() => this.#showAgain());
  }

  get hasMoreAbove() {
    return this.#start > 0;
  }

  get isAtNewest() {
    return !this.isPast && this.#stuck && this.#end === this.#messages.length && this.#below() <= STUCK_PX;
  }

  /** How many of the messages have come into sight, from the first one on. */
  get seen() {
    const { log } = this.frame;
    const bottom = log.scrollTop + log.clientHeight + 1;
    for (let at = this.#end; at > this.#start; at--) {
      const row = this.rows.get(this.#messages[at - 1]?.identity ?? '');
      if (row && row.offsetTop + Math.min(row.offsetHeight, log.clientHeight / 2) <= bottom) return at;
    }
    return 0;
  }

  get isSilent() {
    return this.#silence !== 0;
  }

  listen() {
    this.frame.log.setAttribute('aria-live', 'polite');
  }

  silence() {
    const { log } = this.frame;
    if (log.getAttribute('aria-live') === 'off' && !this.#silence) return; // the region is not live yet
    clearTimeout(this.#silence);
    log.setAttribute('aria-live', 'off');
    this.#silence = setTimeout(() => {
      this.#silence = 0;
      this.listen();
    }, SILENCE_MS);
  }

  /** @param {readonly ShownMessage[]} messages @param {string | undefined} line the first message that is new @param {number} [arrived] */
  show(messages, line, arrived = 0) {
    const fromTheFirst = this.#start === 0;
    const toTheLast = this.#end === this.#messages.length;
    const first = this.#messages[this.#start]?.identity;
    const last = this.#messages[this.#end - 1]?.identity;
    const rendered = this.#end - this.#start;
    this.#messages = messages;
    if (line !== this.#line) this.#holdsLine = line !== undefined && this.#stuck;
    this.#line = line;

    let end = toTheLast ? messages.length : messages.findIndex((one) => one.identity === last) + 1;
    if (end === 0) end = messages.length;
    let start = fromTheFirst ? 0 : messages.findIndex((one) => one.identity === first);
    if (start < 0) start = Math.max(0, end - rendered);
    if (end - start > MOST_ROWS) {
      if (this.#holdsLine) start = Math.max(start, messages.findIndex((one) => one.identity === line) - STEP);
      if (this.#stuck && !this.#holdsLine) start = end - MOST_ROWS;
      else end = Math.min(end, start + MOST_ROWS);
    }
    this.#render(start, end);
    if (!this.isAtNewest) this.#unseen += arrived;
    this.#showPill();
  }

  /** A reader who asks for earlier messages does not follow the newest ones, wherever the log was scrolled to. */
  leaveNewest() {
    this.silence();
    this.#stuck = false;
    this.#holdsLine = false;
  }

  showEarlier() {
    this.leaveNewest();
    const start = Math.max(0, this.#start - STEP);
    this.#render(start, Math.min(this.#end, start + MOST_ROWS));
    this.#showPill();
  }

  /** If the rows in view had to be removed to make room for earlier ones, those come into view. */
  turnToEarlier() {
    if (this.#end < this.#messages.length && this.#below() < NEAR_PX) this.frame.log.scrollTop = 0;
  }

  /** Shows one of the messages, wherever it is. @param {string} identity */
  reveal(identity) {
    const at = this.#messages.findIndex((one) => one.identity === identity);
    this.leaveNewest();
    if (!this.rows.get(identity)) this.#render(Math.max(0, at - STEP), Math.min(this.#messages.length, at + STEP));
    const row = this.rows.get(identity);
    row?.scrollIntoView({ block: 'center' });
    row?.animate({ backgroundColor: ['var(--soft)', 'transparent'] }, { duration: FOUND_MS, easing: 'ease-in' });
    this.#showPill();
    return row;
  }

  toNewest() {
    this.options.onNewest();
    const end = this.#messages.length;
    this.#stuck = true;
    this.#holdsLine = false;
    if (this.#end !== end) {
      this.silence();
      this.#render(Math.max(0, end - 2 * STEP), end);
    }
    this.#stay();
    this.#unseen = 0;
    this.#showPill();
  }

  #showAgain() {
    this.silence();
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
    // A scroll event that was under way when the window shrank or the box grew does not mean that somebody scrolls.
    const isAsBefore = this.#height === heights(log);
    const wentUp = log.scrollTop < this.#top && isAsBefore;
    if (this.#holdsLine && isAsBefore && log.scrollTop !== this.#top) {
      this.#holdsLine = false;
      this.#stuck = false;
    }
    this.#top = log.scrollTop;
    this.#height = heights(log);
    this.#stuck = below <= STUCK_PX || (this.#stuck && !wentUp);
    if (this.#end < this.#messages.length && below < NEAR_PX) this.#showLater();
    else if (this.isAtNewest) this.#unseen = 0;
    this.#showPill();
    if (wentUp && log.scrollTop < NEAR_PX) this.options.onTop();
    this.options.onScroll();
  }

  #showLater() {
    this.silence();
    const end = Math.min(this.#messages.length, this.#end + STEP);
    this.#stuck = false;
    this.#render(Math.max(this.#start, end - MOST_ROWS), end);
  }

  #stay() {
    if (!this.#stuck) return;
    const { log } = this.frame;
    const line = this.#holdsLine ? this.rows.line : undefined;
    const most = line ? Math.max(0, line.offsetTop - LINE_AT * log.clientHeight) : log.scrollHeight;
    log.scrollTop = Math.min(most, log.scrollHeight);
    this.#top = log.scrollTop;
    this.#height = heights(log);
  }

  #showPill() {
    const { pill, news, log } = this.frame;
    const far =
      this.isPast || this.#end < this.#messages.length || log.scrollHeight - log.scrollTop > 2.5 * log.clientHeight;
    if (this.#unseen) say(news, 'new', { n: this.#unseen });
    else if (far) say(news, 'newest');
    pill.hidden = this.#unseen === 0 && (this.isAtNewest || !far);
  }

  /** @param {number} start @param {number} end */
  #render(start, end) {
    const keepPlace = this.#stuck ? undefined : this.#holdPlace();
    this.#start = start;
    this.#end = end;
    this.rows.show(this.#messages.slice(start, end), this.#line);
    keepPlace?.();
    this.#stay();
  }

  /** The returned function moves the first visible row back to its place. */
  #holdPlace() {
    const { log } = this.frame;
    const row = this.rows.messages.find((one) => one.offsetTop + one.offsetHeight > log.scrollTop);
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
