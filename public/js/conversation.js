/** The messages of one conversation, each once and in order. Knows nothing about the server and the page. */
import { Fold } from './fold.js';
import { learnNames } from './names.js';
import { acceptedAt, compareIds, comparePositions } from './positions.js';

const STEPS = ['sent', 'delivered', 'read'];

/**
 * Mail from a stream, in the form of the history; undefined if it is something else.
 * @param {string} data @returns {StoredMessage | undefined}
 */
export function readMail(data) {
  try {
    const mail = JSON.parse(data);
    const isMail = [mail.mailbox, mail.id, mail.message, mail.time].every((field) => typeof field === 'string');
    return isMail ? mail : undefined;
  } catch {
    return undefined;
  }
}

/** My own message is known by the key that this page gave it, before it has an id. @param {string} key */
export const ownIdentity = (key) => `own ${key}`;

/** The server's order: within a mailbox by id, across the two by when it was accepted. @param {ChatMessage} a @param {ChatMessage} b */
function compare(a, b) {
  if (a.mailbox === b.mailbox) return compareIds(a.id, b.id);
  return comparePositions(a, b);
}

/** A state never goes back. @param {ChatMessage} message @param {ChatMessage['state']} state */
function advance(message, state) {
  if (STEPS.indexOf(state) > STEPS.indexOf(message.state)) message.state = state;
}

export class Conversation {
  /** Oldest first. @type {ChatMessage[]} */ messages = [];
  // Each mailbox in its own order.
  /** @type {ChatMessage[]} */ #mine = [];
  /** @type {ChatMessage[]} */ #theirs = [];
  /** @type {Map<string, ChatMessage>} */ #known = new Map();
  // The receipt of a message may overtake the answer that gives the message its id.
  /** @type {Map<string, { state: 'delivered' | 'read', mailbox: string, upTo: string }>} */ #receipts = new Map();

  /** @param {string} me @param {string} mailbox where my mail arrives @param {Fold} [fold] the changes that are known */
  constructor(me, mailbox, fold = new Fold()) {
    this.me = me;
    this.mailbox = mailbox;
    this.fold = fold;
  }

  /** @param {string} identity */
  has(identity) {
    return this.#known.has(identity);
  }

  /** @param {StoredMessage} stored */
  knows(stored) {
    return this.identityOf(stored) !== undefined;
  }

  /** Undefined if the message is not known. @param {StoredMessage} stored */
  identityOf(stored) {
    const { identity } = this.#read(stored);
    return this.#known.has(identity) ? identity : undefined;
  }

  /** Adds the messages that are not there yet, and returns those. @param {StoredMessage[]} stored */
  merge(stored) {
    learnNames(stored, this.me);
    const added = [];
    for (const one of stored) {
      const message = this.#read(one);
      const known = this.#known.get(message.identity);
      if (known) {
        advance(known, message.state);
        // Foreign mail may get another time, and the server's time replaces mine.
        known.acceptedMs = message.acceptedMs;
        known.time = message.time;
      } else {
        this.#applyReceipts(message);
        this.#known.set(message.identity, message);
        this.#insert(message);
        added.push(message);
      }
    }
    this.#order();
    return added;
  }

  /** Edits, removes and reacts to messages, and returns those. @param {MessageChange[]} changes */
  change(changes) {
    for (const change of changes) this.fold.add(change);
    const ids = new Set(changes.map(({ of }) => of));
    return this.applyAgain(({ id }) => ids.has(id));
  }

  /** Applies the known changes to some of the messages. @param {(message: ChatMessage) => boolean} isMeant */
  applyAgain(isMeant) {
    const changed = this.messages.filter(isMeant);
    for (const message of changed) Object.assign(message, this.fold.apply(message.stored));
    return changed;
  }

  /** Whether it belongs above all that is known. @param {StoredMessage} stored */
  isAbove(stored) {
    const message = this.#read(stored);
    const oldest = this.#listOf(message)[0] ?? this.messages[0];
    return oldest !== undefined && compare(message, oldest) < 0;
  }

  clear() {
    this.messages = [];
    this.#mine = [];
    this.#theirs = [];
    this.#known.clear();
  }

  /** @param {'delivered' | 'read'} state @param {string} mailbox @param {string} upTo */
  advance(state, mailbox, upTo) {
    this.#receipts.set(`${state} ${mailbox}`, { state, mailbox, upTo });
    for (const message of this.messages) this.#applyReceipts(message);
  }

  /** @param {ChatMessage} message */
  #applyReceipts(message) {
    if (message.sender !== this.me) return;
    for (const { state, mailbox, upTo } of this.#receipts.values()) {
      if (message.mailbox === mailbox && compareIds(message.id, upTo) <= 0) advance(message, state);
    }
  }

  /** @param {ChatMessage} message */
  #listOf({ mailbox }) {
    return mailbox === this.mailbox ? this.#mine : this.#theirs;
  }

  /** @param {ChatMessage} message */
  #insert(message) {
    const list = this.#listOf(message);
    list.splice(list.findLastIndex((one) => compareIds(one.id, message.id) < 0) + 1, 0, message);
  }

  /** Merges from the newest, like the server: if times decrease within a mailbox, merging from the oldest would give another order. */
  #order() {
    const [mine, theirs] = [[...this.#mine], [...this.#theirs]];
    const messages = [];
    for (;;) {
      const [one, other] = [mine.at(-1), theirs.at(-1)];
      if (!one || !other) break;
      messages.push(compare(one, other) > 0 ? one : other);
      (compare(one, other) > 0 ? mine : theirs).pop();
    }
    this.messages = [...mine, ...theirs, ...messages.toReversed()];
  }

  /** @param {StoredMessage} stored @returns {ChatMessage} */
  #read(stored) {
    const { mailbox, id, sender, time, key, state = 'sent', foreign = false, viaFile = false } = stored;
    const own = !foreign && !viaFile && sender === this.me && key;
    const identity = own ? ownIdentity(key) : `${mailbox} ${id}`;
    return {
      identity,
      mailbox,
      id,
      sender: sender ?? '',
      ...this.fold.apply(stored),
      time: Date.parse(time) || 0,
      acceptedMs: acceptedAt(stored),
      state,
      foreign,
      viaFile,
      stored,
    };
  }
}
