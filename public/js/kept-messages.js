/** The newest messages of a conversation, stored in this browser and shown until the server answers. */
import { recall, remember } from './storage.js';

const MOST = 30;
const MOST_CHARACTERS = 60_000;
const SETTLE_MS = 500;

export class KeptMessages {
  /** By mailbox and id; the newest last. @type {Map<string, StoredMessage>} */ #messages = new Map();
  #timer = 0;

  /** @param {string} key */
  constructor(key) {
    this.key = key;
    for (const message of readMessages(recall(key))) this.#messages.set(nameOf(message), message);
  }

  /** @returns {StoredMessage[]} */
  get messages() {
    return [...this.#messages.values()];
  }

  /** @param {StoredMessage[]} messages */
  add(messages) {
    for (const message of messages) this.#messages.set(nameOf(message), message);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#keep(), SETTLE_MS);
  }

  #keep() {
    const newest = this.messages.toSorted((a, b) => (a.time < b.time ? -1 : 1)).slice(-MOST);
    while (newest.length && JSON.stringify(newest).length > MOST_CHARACTERS) newest.shift();
    this.#messages = new Map(newest.map((message) => [nameOf(message), message]));
    remember(this.key, JSON.stringify(newest));
  }
}

/** @param {StoredMessage} message */
const nameOf = ({ mailbox, id }) => `${mailbox} ${id}`;

/** @param {unknown} value */
const isText = (value) => typeof value === 'string';

/** Storage is not trusted: what it returns is checked. @param {string | undefined} text @returns {StoredMessage[]} */
function readMessages(text) {
  try {
    const messages = JSON.parse(text ?? '[]');
    return messages.filter(
      (/** @type {StoredMessage} */ { mailbox, id, receiver, message, time, replyTo = '', reactions = {} }) =>
        [mailbox, id, receiver, message, time, replyTo, ...Object.values(reactions)].every(isText),
    );
  } catch {
    return [];
  }
}
