/** The messages of one conversation, each once and in order. Knows neither the server nor the page. */

const STEPS = ['sent', 'delivered', 'read'];

/** Ids rise within a mailbox: `<ms>-<seq>`, with `.n` behind it for a foreign event. @param {string} a @param {string} b */
export function compareIds(a, b) {
  const left = a.split(/[-.]/);
  const right = b.split(/[-.]/);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = Number(left[i] ?? -1) - Number(right[i] ?? -1);
    if (difference) return difference;
  }
  return 0;
}

export class Conversation {
  /** @type {ChatMessage[]} */ #messages = [];
  /** @type {Map<string, ChatMessage>} */ #known = new Map();
  // The receipt of a message may overtake the answer that gives the message its id.
  /** @type {{ state: 'delivered' | 'read', mailbox: string, upTo: string }[]} */ #receipts = [];

  /** @param {string} me @param {string} mailbox where what is said to me arrives */
  constructor(me, mailbox) {
    this.me = me;
    this.mailbox = mailbox;
  }

  /** Oldest first. */
  get messages() {
    return this.#messages;
  }

  /** My own message is known by the key this page gave it, long before it has an id. @param {string} key */
  static ownIdentity(key) {
    return `own ${key}`;
  }

  /** @param {string} identity */
  has(identity) {
    return this.#known.has(identity);
  }

  /** @param {StoredMessage} stored */
  knows(stored) {
    return this.#known.has(this.#read(stored).identity);
  }

  /** Adds what is not there yet; returns only that. @param {StoredMessage[]} stored */
  merge(stored) {
    const added = [];
    for (const one of stored) {
      const message = this.#read(one);
      const known = this.#known.get(message.identity);
      if (known) this.#advance(known, message.state);
      else {
        this.#applyReceipts(message);
        this.#known.set(message.identity, message);
        this.#insert(message);
        added.push(message);
      }
    }
    return added;
  }

  clear() {
    this.#messages = [];
    this.#known.clear();
  }

  get newestReceivedId() {
    return this.#messages.findLast((message) => message.mailbox === this.mailbox && message.sender !== this.me)?.id;
  }

  /** @param {'delivered' | 'read'} state @param {string} mailbox @param {string} upTo */
  advance(state, mailbox, upTo) {
    this.#receipts = this.#receipts.filter((one) => one.state !== state || one.mailbox !== mailbox);
    this.#receipts.push({ state, mailbox, upTo });
    let changed = false;
    for (const message of this.#messages) changed = this.#applyReceipts(message) || changed;
    return changed;
  }

  /** @param {ChatMessage} message */
  #applyReceipts(message) {
    let changed = false;
    for (const { state, mailbox, upTo } of this.#receipts) {
      if (message.sender !== this.me || message.mailbox !== mailbox || compareIds(message.id, upTo) > 0) continue;
      changed = this.#advance(message, state) || changed;
    }
    return changed;
  }

  /** A state never goes back. @param {ChatMessage} message @param {ChatMessage['state']} state */
  #advance(message, state) {
    if (STEPS.indexOf(state) <= STEPS.indexOf(message.state)) return false;
    message.state = state;
    return true;
  }

  /** In each mailbox by position, between mailboxes by time. @param {ChatMessage} message */
  #insert(message) {
    const { mailbox, id, time } = message;
    const inMine = (/** @type {ChatMessage} */ one) => one.mailbox === mailbox;
    const from = this.#messages.findLastIndex((one) => inMine(one) && compareIds(one.id, id) < 0) + 1;
    let to = this.#messages.findIndex((one, index) => index >= from && (inMine(one) || one.time > time));
    if (to < 0) to = this.#messages.length;
    this.#messages.splice(to, 0, message);
  }

  /** @param {StoredMessage} stored @returns {ChatMessage} */
  #read({ mailbox, id, sender, message, time, key, state = 'sent', foreign = false }) {
    const own = !foreign && sender === this.me && key;
    const identity = own ? Conversation.ownIdentity(key) : `${mailbox} ${id}`;
    return {
      identity,
      mailbox,
      id,
      sender: sender ?? '',
      message,
      time: Date.parse(time) || Date.now(),
      state,
      foreign,
    };
  }
}
