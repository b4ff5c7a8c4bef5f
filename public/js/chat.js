/**
 * A conversation on the page: brings together what the server sends, what is known, what is written and what is shown.
 *
 * @typedef {import('./conversation.js').ChatMessage} ChatMessage
 * @typedef {import('./server.js').StoredMessage} StoredMessage
 * @typedef {import('./server.js').MailEvent} MailEvent
 * @typedef {{ me: string, other: string, mailbox: string, longest: number, frame: import('./chat-frame.js').Frame,
 *   onEvent?: (event: MailEvent) => void, onStranger?: (sender: string, message: StoredMessage) => void,
 *   onArrival?: (messages: ChatMessage[]) => void, onConnected?: () => void, onSeen?: () => void,
 *   onReceived?: (id: string) => void, onTyping?: () => void }} ChatOptions
 *   `other`: the person or room written to; `mailbox`: where what is said to `me` arrives
 */
import { prepareComposer } from './composer.js';
import { ConnectionBanner } from './connection-banner.js';
import { Conversation } from './conversation.js';
import { openFeed } from './feed.js';
import { say, text } from './language.js';
import { LogView } from './log-view.js';
import { Outbox } from './outbox.js';
import { readHistory, Refusal } from './server.js';

const PAGE = 50;
const FEW = 15;
const CATCH_UP_PAGES = 4;
const AGAIN_S = [1, 2, 5, 10, 30];
const BATCH_MS = 50;
const BURST = { messages: 3, withinMs: 2000 };
const STATUS_FOR_MS = 10_000;

/** One conversation, from the first look at its history until the page goes. */
export class Chat {
  /** @type {import('./feed.js').Feed | undefined} */ #feed;
  /** @type {string | null} */ #before = null;
  /** @type {MailEvent[] | undefined} */ #early = [];
  /** @type {StoredMessage[]} */ #arriving = [];
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #batch;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #burstEnd;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #statusEnd;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #noteEnd;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #retryLoad;
  /** @type {import('./feed.js').StreamState} */ #state = 'connecting';
  /** @type {number[]} */ #recent = [];
  #catchingUp = false;
  #burst = 0;
  #failures = 0;
  #unreachable = false;

  /** @param {ChatOptions} options */
  constructor(options) {
    const { me, other, mailbox, longest, frame } = options;
    this.options = options;
    this.isRoom = mailbox === other;
    this.which = this.isRoom ? { receiver: mailbox, person: me } : { receiver: mailbox, sender: other };
    this.conversation = new Conversation(me, mailbox);
    this.view = new LogView({
      log: frame.log,
      list: frame.list,
      pill: frame.pill,
      isOwn: (message) => message.sender === me && !message.foreign,
      onRetry: (message) => this.#again(message, 'retry'),
      onDelete: (message) => this.#again(message, 'remove'),
    });
    this.outbox = new Outbox({
      me,
      other,
      history: this.which,
      onChange: () => this.#show(),
      onStored: (stored) => this.#stored(stored),
      onTooFast: (seconds) => this.#tooFast(seconds),
      onFailed: () => this.announce(text('failed')),
      onDenied: () => this.banner.set('denied'),
    });
    this.banner = new ConnectionBanner({
      banner: frame.banner,
      wording: frame.wording,
      button: frame.tryNow,
      announce: (wording) => this.announce(wording),
      onTryNow: () => this.#tryNow(),
    });
    prepareComposer({
      form: frame.form,
      box: frame.box,
      note: frame.note,
      draft: `draft/${me}/${other}`,
      longest,
      onSend: (message) => this.#send(message),
      onTyping: () => options.onTyping?.(),
    });
    frame.earlier.addEventListener('click', () => void this.#loadEarlier());
    this.#listenToThePage();
  }

  /** Shows the history and follows what comes. */
  async open() {
    this.#show();
    void this.outbox.flush();
    this.banner.set(navigator.onLine ? 'connecting' : 'offline');
    const { mailbox, me } = this.options;
    this.#feed = await openFeed({
      mailbox,
      person: this.isRoom ? me : undefined,
      onEvent: (event) => (this.#early ? void this.#early.push(event) : this.#handle(event)),
      onState: (state, quietMs) => this.#connection(state, quietMs),
      onCursorRefused: () => void this.#load(),
    });
    await this.#load();
  }

  /** For what a screen reader must know at once, and nothing else. @param {string} wording */
  announce(wording) {
    const { status } = this.options.frame;
    clearTimeout(this.#statusEnd);
    status.textContent = wording;
    this.#statusEnd = setTimeout(() => (status.textContent = ''), STATUS_FOR_MS);
  }

  /** Reads the history, again and again if it must, and gives the stream its cursor. */
  async #load() {
    clearTimeout(this.#retryLoad);
    try {
      const cursor = await this.#readNewest();
      this.#failures = 0;
      this.#unreachable = false;
      this.#feed?.start(cursor);
      this.#showConnection();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      if (error.isDenied) return this.banner.set('denied');
      this.#unreachable = true;
      this.#showConnection();
      const seconds = AGAIN_S[Math.min(this.#failures++, AGAIN_S.length - 1)] ?? 30;
      this.#retryLoad = setTimeout(() => void this.#load(), error.retryAfterMs ?? seconds * 1000);
      return;
    }
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.#handle(event);
    requestAnimationFrame(() => setTimeout(() => this.view.listen()));
  }

  /** Joins the newest of the history to what is known; returns the cursor. */
  async #readNewest() {
    const known = this.conversation.messages.length > 0;
    // One answer is bounded work: of a long log it may hold few messages, or none.
    const reaches = (/** @type {StoredMessage[]} */ messages) =>
      known ? messages.some((one) => this.conversation.knows(one)) : messages.length >= FEW;

    const newest = await readHistory({ ...this.which, limit: PAGE });
    let { messages, before } = newest;
    for (let pages = 1; before && !reaches(messages) && pages < CATCH_UP_PAGES; pages++) {
      const older = await readHistory({ ...this.which, limit: PAGE, before });
      messages = [...older.messages, ...messages];
      ({ before } = older);
    }
    const joinsUp = known && (!before || reaches(messages));
    if (known && !joinsUp) this.conversation.clear();
    if (!joinsUp) this.#before = before;

    const others = this.conversation.merge(messages).filter((one) => !this.#isOwn(one));
    this.#show(this.#early ? 0 : others.length);
    if (others.length && !this.#early) this.options.onArrival?.(others);
    this.options.onReceived?.(newest.cursor);
    this.options.onSeen?.();
    return newest.cursor;
  }

  /** After a reconnection: what I wrote on another device is in no stream of mine. */
  async #catchUp() {
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    try {
      await this.#readNewest();
    } catch (error) {
      if (!(error instanceof Refusal)) throw error; // the next reconnection tries again
    } finally {
      this.#catchingUp = false;
    }
  }

  async #loadEarlier() {
    const { earlier, log } = this.options.frame;
    if (!this.view.hasMoreAbove && this.#before) {
      earlier.disabled = true;
      try {
        await this.#readEarlier();
        this.view.silence();
        this.#show();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      } finally {
        earlier.disabled = false;
      }
    } else this.view.showEarlier();
    this.#showTop();
    if (earlier.hidden) log.focus({ preventScroll: true });
    else earlier.focus({ preventScroll: true });
  }

  /** The next older messages: at least one, or the beginning. */
  async #readEarlier() {
    while (this.#before) {
      const page = await readHistory({ ...this.which, limit: PAGE, before: this.#before });
      this.#before = page.before;
      if (this.conversation.merge(page.messages).length) return;
    }
  }

  /** @param {MailEvent} event */
  #handle(event) {
    const { type, data, id } = event;
    if (type === 'message') return this.#receive(id ?? '', data);
    if (type === 'sent') return this.#sentElsewhere(JSON.parse(data));
    if (type === 'delivered' || type === 'read') {
      const { receiver, upTo } = JSON.parse(data);
      if (this.conversation.advance(type, receiver, upTo)) this.#show();
    } else if (type === 'gap') this.#note('gap');
    else this.options.onEvent?.(event);
  }

  /** @param {string} id @param {string} data */
  #receive(id, data) {
    const { mailbox, me, other } = this.options;
    const message = readMail(mailbox, id, data);
    this.options.onReceived?.(id);
    const { sender } = message;
    if (sender && !this.isRoom && sender !== other && sender !== me) return this.options.onStranger?.(sender, message);
    this.#arriving.push(message);
    if (this.#batch) return;
    this.#arrive();
    this.#batch = setTimeout(() => {
      this.#batch = undefined;
      this.#arrive();
    }, BATCH_MS);
  }

  /** Shows what has arrived, all at once: thousands may come together after a night's sleep. */
  #arrive() {
    const arriving = this.#arriving.splice(0);
    const oldest = this.conversation.messages[0]?.time ?? 0;
    // What belongs above the loaded part comes when that is loaded.
    const fresh = this.#before ? arriving.filter((one) => !(Date.parse(one.time) < oldest)) : arriving;
    const others = this.conversation.merge(fresh).filter((one) => !this.#isOwn(one));
    if (!arriving.length) return;
    this.#quietBurst(others.length);
    this.#show(others.length);
    if (others.length) this.options.onArrival?.(others);
    this.options.onSeen?.();
  }

  /** More than a few at once are counted instead of read out. @param {number} count */
  #quietBurst(count) {
    const now = performance.now();
    this.#recent = this.#recent.filter((at) => now - at < BURST.withinMs);
    for (let i = 0; i < Math.min(count, BURST.messages + 1); i++) this.#recent.push(now);
    if (this.#recent.length <= BURST.messages) return;
    this.view.silence();
    this.#burst += count;
    clearTimeout(this.#burstEnd);
    this.#burstEnd = setTimeout(() => {
      this.announce(text('new', { n: this.#burst }));
      this.#burst = 0;
    }, BURST.withinMs);
  }

  /** @param {StoredMessage} stored */
  #sentElsewhere(stored) {
    if (stored.receiver !== this.options.other) return;
    this.#stored(stored);
    this.#show();
  }

  /** @param {StoredMessage} stored */
  #stored(stored) {
    this.conversation.merge([stored]);
  }

  /** @param {string} message */
  #send(message) {
    this.outbox.add(message);
    this.view.toNewest();
  }

  /** @param {ChatMessage} message @param {'retry' | 'remove'} action */
  #again(message, action) {
    const key = message.identity.slice(Conversation.ownIdentity('').length);
    this.options.frame.box.focus({ preventScroll: true }); // the button goes away
    this.outbox[action](key);
  }

  /** @param {ChatMessage} message */
  #isOwn(message) {
    return message.sender === this.options.me && !message.foreign;
  }

  /** What is stored, and under it what still waits. @param {number} [arrived] */
  #show(arrived = 0) {
    const { frame } = this.options;
    const shown = this.#withPending(this.conversation.messages);
    this.view.show(shown, arrived);
    frame.empty.hidden = shown.length > 0 || this.#early !== undefined;
    const last = shown.at(-1);
    const tells = last && this.#isOwn(last) && last.state !== 'failed' && !(this.isRoom && last.state === 'sent');
    say(frame.receipt, tells ? last.state : '');
    this.#showTop();
  }

  /** What is on its way comes last; what did not get through stays where it was written. @param {readonly ChatMessage[]} stored */
  #withPending(stored) {
    const shown = [...stored];
    for (const letter of this.#pending()) {
      const later = letter.state === 'failed' ? shown.findIndex((one) => one.time > letter.time) : -1;
      shown.splice(later < 0 ? shown.length : later, 0, letter);
    }
    return shown;
  }

  /** @returns {ChatMessage[]} */
  #pending() {
    const { me, other } = this.options;
    return this.outbox.letters
      .map(({ key, message, at, state }) => ({
        identity: Conversation.ownIdentity(key),
        mailbox: other,
        id: '',
        sender: me,
        message,
        time: at,
        state,
        foreign: false,
      }))
      .filter((letter) => !this.conversation.has(letter.identity));
  }

  #showTop() {
    const { earlier, start } = this.options.frame;
    const more = this.view.hasMoreAbove || this.#before !== null;
    earlier.hidden = !more;
    start.hidden = more || this.conversation.messages.length === 0;
  }

  /** @param {number} seconds */
  #tooFast(seconds) {
    this.#note('tooFast', seconds);
    this.announce(text('tooFast', { n: seconds }));
  }

  /** @param {string} key @param {number} [seconds] */
  #note(key, seconds) {
    const { note } = this.options.frame;
    say(note, key, seconds === undefined ? {} : { n: seconds });
    note.hidden = false;
    clearTimeout(this.#noteEnd);
    this.#noteEnd = setTimeout(() => (note.hidden = true), (seconds ?? 10) * 1000);
  }

  /** @param {import('./feed.js').StreamState} state @param {number} [quietMs] */
  #connection(state, quietMs) {
    const wasConnected = this.#isConnected();
    this.#state = state;
    this.#showConnection(quietMs);
    if (!wasConnected && this.#isConnected() && !this.#early) {
      void this.#catchUp();
      this.options.onConnected?.();
    }
  }

  #isConnected() {
    return !this.#unreachable && (this.#state === 'online' || this.#state === 'polling');
  }

  /** @param {number} [quietMs] */
  #showConnection(quietMs) {
    const state = this.#unreachable ? 'reconnecting' : this.#state;
    this.banner.set(navigator.onLine ? state : 'offline', quietMs);
    // At the start nobody knows yet; a send will find out.
    this.outbox.connected = navigator.onLine && (this.#isConnected() || state === 'connecting');
  }

  #tryNow() {
    this.#feed?.poke();
    if (this.#early) void this.#load();
    void this.outbox.flush();
  }

  #listenToThePage() {
    addEventListener('online', () => {
      this.#showConnection();
      this.#tryNow();
    });
    addEventListener('offline', () => this.#showConnection());
    addEventListener('pagehide', () => this.#feed?.close());
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return;
      this.view.refreshDays();
      this.#tryNow();
      this.options.onSeen?.();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      this.view.toNewest();
      this.options.frame.box.focus({ preventScroll: true });
    });
  }
}

/** One of ours is a JSON object with a key; anything else came from some other program and is shown as it is. @param {string} mailbox @param {string} id @param {string} data @returns {StoredMessage} */
export function readMail(mailbox, id, data) {
  try {
    const { sender, receiver, message, time, key } = JSON.parse(data);
    if (typeof sender === 'string' && typeof message === 'string' && typeof key === 'string') {
      return { mailbox, id, sender, receiver, message, time, key };
    }
  } catch {
    // Not JSON: not one of ours.
  }
  return { mailbox, id, sender: null, receiver: mailbox, message: data, time: new Date().toISOString(), foreign: true };
}
