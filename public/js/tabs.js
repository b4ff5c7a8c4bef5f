/**
 * Which of the tabs that show the same mailbox holds its stream: one leads, the others follow. A tab that leads answers
 * when it is asked; if nobody answers, another tab takes over. Of two leaders, the one that began later stays. So two
 * that begin at once cost only a connection for a moment.
 *
 * Few tabs lead with a stream: a browser opens six connections to a host over HTTP/1.1, and sending needs one, too. All
 * this works by messages between the tabs, because locks and shared workers are missing on plain http, or may be refused.
 */

const MOST_STREAMS = 4;
const LOOK_EVERY_MS = 1000;
const ANSWERS_WITHIN_MS = 1500;
const FIRST_ANSWER_WITHIN_MS = 100;
const SUCCEED_AFTER_MS = 50; // the stream that has ended has made room
const SUCCEED_WITHIN_MS = 200;
const SLEPT_MS = 5000;
// Tabs of a version with other messages use another channel.
const CHANNEL = `mailbox-chat/2 ${new URL('..', import.meta.url).pathname}`;

export class Tabs {
  #id = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => byte.toString(36)).join('');
  #channel = openChannel();
  /** The leaders of all mailboxes, without this tab. @type {Map<string, Leader & { heardAt: number }>} */
  #leaders = new Map();
  #since = 0; // when this tab began to lead; 0: it does not lead
  #stands = false;
  #askedAt = 0;
  #lookedAt = Date.now();
  #succession = 0;
  #end = new AbortController();

  /** @param {string} topic the mailbox that the tab shows @param {TabsOptions} options */
  constructor(topic, options) {
    this.topic = topic;
    this.options = options;
    this.#channel?.addEventListener('message', ({ data }) => this.#hear(data));
    document.addEventListener('visibilitychange', () => this.#seenOrNot(), { signal: this.#end.signal });
    const timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
    this.#end.signal.addEventListener('abort', () => clearInterval(timer));
    this.#ask({ isNew: true });
  }

  get leads() {
    return this.#since > 0;
  }

  /** From now on this tab may lead. */
  stand() {
    this.#stands = true;
    const waitMs = this.#channel ? this.#askedAt + FIRST_ANSWER_WITHIN_MS - performance.now() : 0;
    if (!this.#leader) this.#succeedIn(Math.max(0, waitMs));
    else if (!this.#leader.isSeen) this.#seenOrNot();
  }

  lead() {
    if (this.#end.signal.aborted) return; // the page may have been closed while its history was read
    this.#since = Math.max(Date.now(), (this.#leader?.since ?? 0) + 1);
    this.#announce();
    this.#share();
    this.options.onLead();
  }

  /** @param {TabNote} note @param {string} [to] one tab; by default, all tabs that show the same */
  tell(note, to) {
    this.#channel?.postMessage({ ...note, to, from: this.#id, topic: this.topic });
  }

  close() {
    this.#end.abort();
    clearTimeout(this.#succession);
    if (this.leads) this.tell({ kind: 'bye' });
    this.#since = 0;
    this.#channel?.close();
    this.#channel = undefined;
  }

  get #leader() {
    return [...this.#leaders.values()].find(({ topic }) => topic === this.topic);
  }

  /** @param {object} [more] */
  #ask(more) {
    this.#askedAt = performance.now();
    this.tell({ kind: 'ask', other: this.options.other, ...more });
    if (this.leads) this.#announce();
  }

  #announce() {
    this.tell({ kind: 'lead', since: this.#since, isSeen: !document.hidden });
  }

  /** @param {TabNote & { from: string, to?: string, topic: string }} note */
  #hear(note) {
    const isOurs = note.topic === this.topic;
    if (note.kind === 'lead') this.#heardLeader(note, isOurs ? 'ours' : 'of others');
    else if (note.kind === 'bye') this.#heardBye(note.from);
    else if (note.kind === 'ask') {
      this.#askedAt = performance.now(); // answers go to all tabs
      if (!this.leads) return;
      this.#announce();
      if (isOurs) this.options.onAsked(note);
    } else if (isOurs && (!note.to || note.to === this.#id)) this.options.onNote(note);
  }

  /** @param {TabNote & { from: string, topic: string }} note @param {'ours' | 'of others'} whose */
  #heardLeader({ from, topic, since = 0, isSeen = false }, whose) {
    const isKnown = this.#leaders.has(from);
    for (const [id, leader] of this.#leaders) {
      if (leader.topic === topic && leader.since < since) this.#leaders.delete(id);
    }
    this.#leaders.set(from, { topic, since, isSeen, heardAt: performance.now() });
    if (whose === 'ours') {
      clearTimeout(this.#succession);
      if (this.leads) this.#settle(from, since);
      else if (!isKnown) this.#ask();
      if (!this.leads && !isSeen) this.#seenOrNot();
    }
    this.#share();
  }

  /** Two tabs lead. @param {string} from @param {number} since */
  #settle(from, since) {
    const isNewer = since > this.#since || (since === this.#since && from > this.#id);
    if (isNewer) {
      this.#since = 0;
      this.options.onYield();
    } else {
      this.#leaders.delete(from);
      this.#announce();
    }
  }

  /** @param {string} from */
  #heardBye(from) {
    const isOurs = this.#leaders.get(from)?.topic === this.topic;
    this.#leaders.delete(from);
    this.#share();
    if (isOurs && this.#stands) this.#succeedIn(SUCCEED_AFTER_MS + Math.random() * SUCCEED_WITHIN_MS);
  }

  /** @param {number} ms */
  #succeedIn(ms) {
    clearTimeout(this.#succession);
    this.#succession = setTimeout(() => {
      if (!this.leads && !this.#leader) this.lead();
    }, ms);
  }

  /** A visible tab should lead: browsers slow down hidden ones, and stop some. */
  #seenOrNot() {
    if (this.leads) this.#announce();
    else if (this.#stands && !document.hidden && this.#leader?.isSeen === false) this.lead();
    this.#share();
  }

  #look() {
    const sleptMs = Date.now() - this.#lookedAt;
    this.#lookedAt = Date.now();
    if (sleptMs > SLEPT_MS && !document.hidden) this.options.onWake();
    if (performance.now() - this.#askedAt < ANSWERS_WITHIN_MS) return;
    for (const [id, { heardAt }] of this.#leaders) if (heardAt < this.#askedAt) this.#leaders.delete(id);
    if (this.#stands && !this.leads && !this.#leader) this.lead();
    this.#share();
    this.#ask();
  }

  /** Visible tabs come first, then those that began last. */
  #share() {
    if (!this.leads) return;
    const isSeen = !document.hidden;
    const isBefore = (/** @type {Leader} */ other) =>
      other.isSeen === isSeen ? other.since > this.#since : other.isSeen;
    const before = [...this.#leaders.values()].filter(isBefore).length;
    const mayStream = this.#channel ? before < MOST_STREAMS : isSeen;
    this.options.onMode(mayStream ? 'stream' : 'rest');
  }
}

/** If site data is switched off, there is no channel either. */
function openChannel() {
  try {
    return new BroadcastChannel(CHANNEL);
  } catch {
    return undefined;
  }
}
