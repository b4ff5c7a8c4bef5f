/** A conversation on the page. Connects the stream, the known messages, the composer and the log. */
import { Arrivals } from './arrivals.js';
import { prepareComposer } from './composer.js';
import { Connection } from './connection.js';
import { Conversation } from './conversation.js';
import { inOneLine } from './files.js';
import { HistoryPages } from './history-pages.js';
import { whyRefused } from './identity.js';
import { say, text } from './language.js';
import { withLetters } from './letters.js';
import { loadNotifications, loadSearch, loadTheRest } from './later.js';
import { LogView } from './log-view.js';
import { MessageActions } from './message-actions.js';
import { Burst, NoteLine, StatusLine } from './notes.js';
import { Outbox } from './outbox.js';
import { isLooking, reachesRead, Reading, readingLock, watchLooking } from './reading.js';
import { ShownPages } from './shown-pages.js';
import { onChangedElsewhere, recall, remember } from './storage.js';

export class Chat {
  /** @type {ShownMessage[]} */ #shown = [];
  /** @type {import('./search.js').Search | undefined} */ #search;

  /** @param {ChatOptions} options */
  constructor(options) {
    const { me, other, mailbox, longest, frame } = options;
    this.options = options;
    this.isRoom = mailbox !== me;
    this.isOwn = (/** @type {ShownMessage} */ message) => message.sender === me && !message.foreign;
    const which = this.isRoom ? { receiver: mailbox, person: me } : { receiver: mailbox, sender: other };
    this.conversation = new Conversation(me, mailbox);
    this.history = new HistoryPages(this.conversation, which, (messages) => this.isRoom || reachesRead(messages, me));
    this.seen = `seen/${me}/${other}`;
    this.reading = new Reading(this.isOwn);
    this.status = new StatusLine(frame.status);
    this.notes = new NoteLine(frame, this.status);
    this.view = new LogView(frame, {
      isOwn: this.isOwn,
      quoted: (id) => this.#shown.findLast((one) => one.id === id),
      onChoice: (failed, action) => this.actions.chooseForUnsent(failed, action),
      onScroll: () => this.#see(),
      onTop: () => void this.pages.loadEarlier(),
      onNewest: () => this.pages.toNewest(),
    });
    this.pages = new ShownPages({ frame, history: this.history, view: this.view, show: () => this.#show() });
    this.arrivals = new Arrivals({
      ...options,
      isRoom: this.isRoom,
      onUnreadable: () => void this.#catchUp(),
      onArrival: (messages, changes) => this.#arrive(messages, changes),
    });
    this.notifying = loadNotifications().then((part) => part.prepareNotifications({ me, bell: frame.bell }));
    this.burst = new Burst(this.view, (n) => this.status.say(text('new', { n })));
    this.outbox = new Outbox({
      me,
      other,
      history: which,
      newest: () => this.conversation.messages.at(-1)?.identity ?? (this.connection.isLoaded ? '' : undefined),
      onChange: () => this.#show(),
      onStored: (stored, requestedAt) => {
        this.#store(stored);
        this.connection.expectNews(stored, requestedAt);
      },
      onTooFast: (seconds) => this.notes.show('tooFast', seconds),
      onFailed: () => this.status.say(text('failed')),
      onDenied: () => void this.#refuse(),
      onProblem: (problem) => this.notes.show(problem, 10),
    });
    this.connection = new Connection({
      mailbox,
      ...(this.isRoom ? { person: me } : { other }),
      frame,
      announce: (wording) => this.status.say(wording),
      outbox: this.outbox,
      read: () => this.history.readNewest().then((read) => this.#joined(read)),
      onEvent: (event) => this.#handle(event),
      onRefused: (refusal) => void this.#refuse(refusal),
      onLoaded: () => {
        this.#showArrived([]);
        this.actions.resume();
        if (this.history.lacks.includes('files')) composer.takeNoFiles();
        requestAnimationFrame(() => setTimeout(() => this.view.listen()));
        loadTheRest();
      },
      onReconnected: () => {
        void this.#catchUp();
        options.onConnected?.();
      },
    });
    const composer = prepareComposer(frame, {
      draft: `draft/${me}/${other}`,
      longest,
      onSend: (message, key, files) => this.#send(message, key, files),
      onProblem: (problem, values) => this.notes.show(problem, 10, values),
      onTyping: () => options.onTyping?.(),
      onUp: () => this.actions.editLast(),
    });
    const { outbox, notes, view, pages, isOwn } = this;
    const [shown, show] = [() => this.#shown, () => this.#show()];
    this.actions = new MessageActions({ me, frame, outbox, notes, view, pages, composer, isOwn, shown, show });
    this.#listenToThePage();
  }

  async open() {
    this.#show();
    this.history.onLate(() => this.#show());
    await this.connection.open();
  }

  /** @param {string} title @param {Pick<StoredMessage, 'message' | 'files' | 'id'>} message @param {string} [from] */
  async notify(title, message, from = this.options.other) {
    const show = await this.notifying;
    show({ title, body: inOneLine(message), from, mailbox: this.options.mailbox, id: message.id });
  }

  /** @param {import('./server.js').Refusal} [refusal] */
  async #refuse(refusal) {
    const { me, onBadName } = this.options;
    if (refusal?.code === 'INVALID_NAME') return onBadName();
    this.connection.refuse(await whyRefused(me));
  }

  /** @param {{ cursor: string, added: ChatMessage[] }} read */
  #joined({ cursor, added }) {
    this.options.onReceived?.(cursor);
    // Only this browser knows how far I have read a room. A newcomer begins with what is said next.
    if (this.isRoom && !recall(this.seen)) remember(this.seen, cursor);
    if (this.connection.isLoaded) this.#showArrived(added.filter((one) => !this.isOwn(one)));
    else this.#show(this.reading.begin(this.conversation.messages, cursor, recall(this.seen)));
    return cursor;
  }

  /** @param {MailEvent} event */
  #handle(event) {
    const { type, data } = event;
    if (this.arrivals.take(event)) return;
    if (type === 'sent') return this.#sentElsewhere(JSON.parse(data));
    if (type === 'delivered' || type === 'read') {
      const { receiver, upTo } = JSON.parse(data);
      this.conversation.advance(type, receiver, upTo);
      this.#show();
    } else if (type === 'gap') this.notes.show('gap', 10);
    else this.options.onEvent?.(event);
  }

  /** @param {StoredMessage[]} arriving @param {MessageChange[]} changes */
  #arrive(arriving, changes) {
    // Mail that belongs above the loaded part comes when that part is loaded.
    const fresh = this.history.hasMore ? arriving.filter((one) => !this.conversation.isAbove(one)) : arriving;
    const others = this.history.add(fresh).filter((one) => !this.isOwn(one));
    this.pages.change(changes);
    this.actions.announce(changes);
    this.burst.add(others.length);
    if (changes.some(({ event }) => event === 'edit')) this.options.onArrival?.([]); // it was typed, too
    this.#showArrived(others);
  }

  /** @param {ChatMessage[]} others */
  #showArrived(others) {
    const isFollowed = isLooking() && this.view.isAtNewest;
    if (others.length && !isFollowed && !this.reading.unreadOf(this.#shown).length)
      this.reading.line = others[0]?.identity;
    this.#show(others.length);
    if (others.length) this.options.onArrival?.(others);
    this.#see();
  }

  /** What is in sight while somebody looks counts as read. */
  #see() {
    if (!this.connection.isLoaded || this.pages.arePast) return;
    const before = this.reading.upTo;
    if (isLooking()) this.reading.reach(this.reading.newestOf(this.#shown.slice(0, this.view.seen)));
    const { upTo } = this.reading;
    if (upTo && upTo !== before) {
      remember(this.seen, upTo); // other tabs count this as unread
      this.options.onRead?.(upTo);
    }
    this.options.onUnread?.(this.reading.unreadOf(this.#shown).length);
  }

  /** @param {StoredMessage | MessageChange} stored */
  #sentElsewhere(stored) {
    if (stored.receiver !== this.options.other) return;
    this.#store(stored);
    this.#show();
  }

  /** @param {StoredMessage | MessageChange} stored */
  #store(stored) {
    if ('event' in stored) this.pages.change([stored]);
    else this.history.add([stored]);
  }

  /** @param {string} message @param {string} key @param {import('./tray.js').Ready[]} files */
  #send(message, key, files) {
    this.options.onSent?.();
    if (!this.actions.send(message, key, files)) return; // an edit leaves the place
    this.reading.line = undefined;
    this.view.toNewest();
  }

  /** @param {number} [arrived] */
  #show(arrived = 0) {
    const { frame } = this.options;
    this.outbox.removeFrom(this.conversation);
    const shown = withLetters(this.pages.conversation, this.outbox, this.history.aheadMs);
    this.#shown = this.pages.arePast ? shown.filter(({ id }) => id) : shown;
    this.view.show(this.#shown, this.reading.line, arrived);
    this.actions.refresh();
    frame.empty.hidden = this.#shown.length > 0 || !this.connection.isLoaded;
    const last = this.#shown.at(-1);
    const tells =
      last &&
      !this.pages.arePast &&
      this.isOwn(last) &&
      last.state !== 'failed' &&
      !(this.isRoom && last.state === 'sent');
    say(frame.receipt, tells ? last.state : '');
    this.pages.showTop();
  }

  async #openSearch() {
    const { me, frame } = this.options;
    const { Search } = await loadSearch();
    const { pages, view } = this;
    this.#search ??= new Search({ me, frame, pages, view });
    this.#search.open();
  }

  #catchUp() {
    return this.history.catchUp((read) => void this.#joined(read));
  }

  #listenToThePage() {
    const { me, other, frame } = this.options;
    frame.find.addEventListener('click', () => void this.#openSearch());
    watchLooking(readingLock(me, other), () => this.#see());
    onChangedElsewhere(this.seen, () => {
      this.reading.reach(recall(this.seen));
      this.#see();
    });
    document.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.isComposing) return;
      this.view.toNewest();
      frame.box.focus({ preventScroll: true });
    });
  }
}
