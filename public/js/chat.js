/** A conversation on the page: brings together what comes, what is known, what is written and what is shown. */
import { prepareComposer } from './composer.js';
import { ConnectionBanner } from './connection-banner.js';
import { Conversation, ownIdentity, readMail } from './conversation.js';
import { say, text } from './language.js';
import { LogView } from './log-view.js';
import { Outbox } from './outbox.js';
import { backOffMs, readHistory, Refusal } from './server.js';
import { openFeed } from './stream.js';

const PAGE = 50;
const FEW = 15;
const CATCH_UP_PAGES = 4;
const BATCH_MS = 20;
const BURST = { messages: 3, withinMs: 2000 };
const STATUS_FOR_MS = 10_000;

export class Chat {
  /** @type {Feed | undefined} */ #feed;
  /** @type {string | null} */ #before = null;
  /** @type {MailEvent[] | undefined} */ #early = [];
  /** @type {StoredMessage[]} */ #arriving = [];
  #statusEnd = 0;
  #noteEnd = 0;
  #retryLoad = 0;
  /** @type {StreamState} */ #state = 'connecting';
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
    this.view = new LogView(frame, {
      isOwn: (message) => this.#isOwn(message),
      onChoice: (failed, action) => this.#again(failed, action),
    });
    this.outbox = new Outbox({
      me,
      other,
      history: this.which,
      newest: () => this.conversation.messages.at(-1)?.identity,
      onChange: () => this.#show(),
      onStored: (stored) => this.conversation.merge([stored]),
      onTooFast: (seconds) => this.#note('tooFast', seconds),
      onFailed: () => this.announce(text('failed')),
      onDenied: () => this.banner.set('denied'),
    });
    this.banner = new ConnectionBanner(frame, {
      announce: (wording) => this.announce(wording),
      onTryNow: () => this.#tryNow(),
    });
    prepareComposer(frame, {
      draft: `draft/${me}/${other}`,
      longest,
      onSend: (message) => {
        this.outbox.add(message);
        this.view.toNewest();
      },
      onTyping: () => options.onTyping?.(),
    });
    frame.earlier.addEventListener('click', () => void this.#loadEarlier());
    this.#listenToThePage();
  }

  async open() {
    this.#show();
    void this.outbox.flush();
    this.banner.set(navigator.onLine ? 'connecting' : 'offline');
    const { mailbox, me } = this.options;
    this.#feed = await openFeed({
      mailbox,
      ...(this.isRoom ? { person: me } : { other: this.options.other }),
      onEvent: (event) => (this.#early ? void this.#early.push(event) : this.#handle(event)),
      onState: (state, quietMs) => this.#connection(state, quietMs),
      onCursorRefused: () => void this.#load(),
    });
    await this.#load();
  }

  /** @param {string} wording */
  announce(wording) {
    const { status } = this.options.frame;
    clearTimeout(this.#statusEnd);
    status.textContent = wording;
    this.#statusEnd = setTimeout(() => (status.textContent = ''), STATUS_FOR_MS);
  }

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
      this.#retryLoad = setTimeout(() => void this.#load(), error.retryAfterMs ?? backOffMs(this.#failures++));
      return;
    }
    const early = this.#early ?? [];
    this.#early = undefined;
    for (const event of early) this.#handle(event);
    requestAnimationFrame(() => setTimeout(() => this.view.listen()));
  }

  /** Joins the newest to what is known; returns the cursor. */
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

    const added = this.conversation.merge(messages);
    this.options.onReceived?.(newest.cursor);
    this.#showArrived(this.#early ? [] : added.filter((one) => !this.#isOwn(one)));
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
        this.view.leaveNewest();
        this.#show();
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      } finally {
        earlier.disabled = false;
      }
    } else this.view.showEarlier();
    this.view.turnToEarlier();
    this.#showTop();
    (earlier.hidden ? log : earlier).focus({ preventScroll: true });
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
      this.conversation.advance(type, receiver, upTo);
      this.#show();
    } else if (type === 'gap') this.#note('gap', 10);
    else this.options.onEvent?.(event);
  }

  /** @param {string} id @param {string} data */
  #receive(id, data) {
    const { mailbox, me, other } = this.options;
    const message = readMail(mailbox, id, data);
    this.options.onReceived?.(id);
    const { sender } = message;
    if (sender && !this.isRoom && sender !== other && sender !== me) return this.options.onStranger?.(sender, message);
    if (this.#arriving.push(message) === 1) setTimeout(() => this.#arrive(), BATCH_MS);
  }

  /** Thousands may come together after a night's sleep. */
  #arrive() {
    const arriving = this.#arriving.splice(0);
    // What belongs above the loaded part comes when that is loaded.
    const fresh = this.#before ? arriving.filter((one) => !this.conversation.isAbove(one)) : arriving;
    const others = this.conversation.merge(fresh).filter((one) => !this.#isOwn(one));
    this.#quietBurst(others.length);
    this.#showArrived(others);
  }

  /** @param {ChatMessage[]} others */
  #showArrived(others) {
    this.#show(others.length);
    if (others.length) this.options.onArrival?.(others);
    this.options.onSeen?.();
  }

  /** More than a few at once are counted instead of read out. @param {number} count */
  #quietBurst(count) {
    if (!this.#burst && count) setTimeout(() => this.#endBurst(), BURST.withinMs);
    this.#burst += count;
    if (this.#burst > BURST.messages) this.view.silence();
  }

  #endBurst() {
    if (this.#burst > BURST.messages) this.announce(text('new', { n: this.#burst }));
    this.#burst = 0;
  }

  /** @param {StoredMessage} stored */
  #sentElsewhere(stored) {
    if (stored.receiver !== this.options.other) return;
    this.conversation.merge([stored]);
    this.#show();
  }

  /** @param {ShownMessage} letter @param {'retry' | 'delete'} action */
  #again({ key = '' }, action) {
    this.options.frame.box.focus({ preventScroll: true }); // the button goes away
    this.outbox[action](key);
  }

  /** @param {ShownMessage} message */
  #isOwn(message) {
    return message.sender === this.options.me && !message.foreign;
  }

  /** @param {number} [arrived] */
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

  /** What is on its way comes last; what failed stays where it was then. @param {readonly ChatMessage[]} stored */
  #withPending(stored) {
    /** @type {ShownMessage[]} */
    const shown = [...stored];
    for (const letter of this.#pending()) {
      const { behind } = letter;
      const isBefore = (/** @type {ShownMessage} */ one) => one.identity === behind || one.behind === behind;
      shown.splice(behind ? shown.findLastIndex(isBefore) + 1 : shown.length, 0, letter);
    }
    return shown;
  }

  #pending() {
    const sender = this.options.me;
    return this.outbox.letters
      .map((letter) => ({ ...letter, identity: ownIdentity(letter.key), sender, time: letter.at, foreign: false }))
      .filter((letter) => !this.conversation.has(letter.identity));
  }

  #showTop() {
    const { earlier, start } = this.options.frame;
    const more = this.view.hasMoreAbove || this.#before !== null;
    // Touches the log only where something changes.
    earlier.toggleAttribute('hidden', !more);
    start.toggleAttribute('hidden', more || this.conversation.messages.length === 0);
  }

  /** A word above the composer, for so long. @param {string} key @param {number} seconds */
  #note(key, seconds) {
    const { note } = this.options.frame;
    say(note, key, { n: seconds });
    this.announce(note.textContent);
    note.hidden = false;
    clearTimeout(this.#noteEnd);
    this.#noteEnd = setTimeout(() => (note.hidden = true), seconds * 1000);
  }

  /** @param {StreamState} state @param {number} [quietMs] */
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
