/** Reads what is stored of a conversation, page by page, and joins it to what is known. */
import { isId } from './positions.js';
import { ifAnswered, readHistory } from './server.js';
import { isText, recall, remember } from './storage.js';

const PAGE = 50;
const FEW = 15;
const MOST_PAGES = 4;
const LATE_AFTER_MS = 1000;
const JUST_READ_MS = 1000;
/** Clocks that differ by less look the same to people, and the server tells its time in whole seconds. */
const SAME_CLOCK_MS = 5000;
// The server remembers a key for at least two minutes. After this time, check first whether an attempt has succeeded.
export const SAME_KEY_MS = 60_000;
const LOOK_BACK_PAGES = 40;
const MOST_KEPT = 30;
const MOST_CHARACTERS = 60_000;
const SETTLE_MS = 500;

export class HistoryPages {
  /** Gets the messages before these; null at the beginning. @type {string | null} */ before = null;
  #catchingUp = false;
  #hasRead = false;
  #readAt = 0;
  #isAskedAgain = false;
  /** Messages that were stored before the history was read. @type {StoredMessage[]} */ #early = [];
  /** What the server does not take. @type {readonly string[]} */ lacks = [];
  /** How far the server's clock is ahead of this one. */
  aheadMs = 0;

  /**
   * @param {import('./conversation.js').Conversation} conversation @param {Which} which
   * @param {(messages: StoredMessage[]) => boolean} isEnough whether these suffice at the beginning
   */
  constructor(conversation, which, isEnough) {
    this.conversation = conversation;
    this.which = which;
    this.kept = new KeptMessages(`kept/${conversation.me}/${which.sender ?? which.receiver}`);
    this.isEnough = isEnough;
  }

  get hasMore() {
    return this.before !== null;
  }

  /** The id of the oldest known message. */
  get oldest() {
    return this.conversation.messages[0]?.id ?? '';
  }

  /** Adds messages that have just been stored, and returns the new ones. @param {StoredMessage[]} messages */
  add(messages) {
    if (!this.#hasRead) this.#early.push(...messages);
    this.kept.add(messages);
    return this.conversation.merge(messages);
  }

  /** Changes messages, also those that will be read later. Returns those that are known. @param {MessageChange[]} changes */
  change(changes) {
    const changed = this.conversation.change(changes);
    if (changed.length) this.kept.add(changed.map(asStored));
    return changed;
  }

  /** If the server is away or the connection is slow, shows what this browser has kept. @param {() => void} show */
  onLate(show) {
    setTimeout(() => {
      if (this.#hasRead) return;
      this.conversation.merge(this.kept.messages);
      show();
    }, LATE_AFTER_MS);
  }

  /** Reads the newest messages and joins them to the known ones. */
  async readNewest() {
    const { conversation } = this;
    const known = this.#hasRead && conversation.messages.length > 0;
    // Each answer is bounded work: it may contain few messages of a long log, or none.
    const reaches = (/** @type {StoredMessage[]} */ messages) =>
      known ? messages.some((one) => conversation.knows(one)) : messages.length >= FEW && this.isEnough(messages);

    const newest = await readHistory({ ...this.which, limit: PAGE });
    const ahead = newest.now - Date.now();
    this.aheadMs = Math.abs(ahead) < SAME_CLOCK_MS ? 0 : ahead;
    this.lacks = newest.lacks ?? [];
    let { messages, before, changes = [] } = newest;
    for (let pages = 1; before && !reaches(messages) && pages < MOST_PAGES; pages++) {
      const older = await readHistory({ ...this.which, limit: PAGE, before });
      messages = [...older.messages, ...messages];
      changes = [...changes, ...(older.changes ?? [])];
      ({ before } = older);
    }
    const joinsUp = known && (!before || reaches(messages));
    if (!joinsUp) {
      conversation.clear();
      this.before = before;
    }
    this.#hasRead = true;
    this.#readAt = Date.now();
    const added = this.add([...messages, ...this.#early.splice(0)]);
    this.change(changes);
    return { cursor: newest.cursor, added };
  }

  /**
   * To be called after a connection: no stream brings what I wrote on another device before.
   * @param {(read: { cursor: string, added: ChatMessage[] }) => void} onRead
   */
  async catchUp(onRead) {
    this.#isAskedAgain = this.#catchingUp;
    if (this.#catchingUp) return;
    this.#catchingUp = true;
    const reading = Date.now() - this.#readAt < JUST_READ_MS ? this.#readOwn() : this.readNewest();
    const read = await ifAnswered(reading).finally(() => (this.#catchingUp = false));
    if (read) onRead(read); // otherwise the next reconnection tries again
    if (this.#isAskedAgain) await this.catchUp(onRead);
  }

  /** The stream continues from what was just read, and brings all mail to me, however much. This reads my own messages. */
  async #readOwn() {
    const { messages, changes = [] } = await readHistory({ ...this.which, limit: FEW });
    const added = this.add(messages.filter(({ sender }) => sender === this.conversation.me));
    this.change(changes);
    return { cursor: '', added };
  }

  /** Loads the next older messages: at least one, unless this is the beginning. False if that is not possible now. @param {number} [limit] */
  async readEarlier(limit = PAGE) {
    return (await ifAnswered(this.#readEarlier(limit))) === true;
  }

  /** @param {number} limit */
  async #readEarlier(limit) {
    while (this.before) {
      const page = await readHistory({ ...this.which, limit, before: this.before });
      this.before = page.before;
      const { length } = this.conversation.merge(page.messages);
      this.conversation.change(page.changes ?? []);
      if (length) break;
    }
    return true;
  }
}

/** @param {ChatMessage} message @returns {StoredMessage} */
const asStored = ({ stored, message, replyTo, files, isEdited, isRemoved, reactions }) => ({
  ...stored,
  message,
  replyTo,
  files,
  edited: isEdited,
  removed: isRemoved,
  reactions,
});

/** The message that a letter has become, if it is stored. @param {Letter} letter @param {Which} which @param {string} me */
export async function findStored({ key, at }, which, me) {
  let before;
  for (let page = 0; page < LOOK_BACK_PAGES; page++) {
    const history = await readHistory({ ...which, before });
    const stored = history.messages.find((one) => one.key === key && one.sender === me);
    if (stored) return stored;
    const writtenAt = at + history.now - Date.now() - SAME_KEY_MS;
    if (!history.before || Date.parse(history.messages[0]?.time ?? '') < writtenAt) break;
    before = history.before;
  }
  return undefined;
}

/** The newest messages, stored in this browser and shown until the server answers. */
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
    const newest = this.messages.toSorted((a, b) => (a.time < b.time ? -1 : 1)).slice(-MOST_KEPT);
    while (newest.length && JSON.stringify(newest).length > MOST_CHARACTERS) newest.shift();
    this.#messages = new Map(newest.map((message) => [nameOf(message), message]));
    remember(this.key, JSON.stringify(newest));
  }
}

/** @param {StoredMessage} message */
const nameOf = ({ mailbox, id }) => `${mailbox} ${id}`;

/** @param {string | undefined} kept @returns {StoredMessage[]} */
function readMessages(kept) {
  try {
    const messages = JSON.parse(kept ?? '[]');
    return Array.isArray(messages) ? messages.slice(-MOST_KEPT).filter(isMessage) : [];
  } catch {
    return [];
  }
}

/** Its files are checked when they are shown. @param {any} kept */
function isMessage(kept) {
  const { id, sender, message, name = '', key, replyTo = '', acceptedMs = 0, reactions = {}, state = '' } = kept ?? {};
  const texts = [kept?.mailbox, kept?.receiver, kept?.time, sender ?? '', state, name, key ?? '', replyTo];
  const emoji = Object.values(Object(reactions));
  return (
    isId(id) &&
    Object(reactions) === reactions &&
    isText(message, MOST_CHARACTERS) &&
    Number.isFinite(acceptedMs) &&
    texts.every((one) => isText(one)) &&
    emoji.every((one) => isText(one))
  );
}
