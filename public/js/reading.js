/** How far this person has read: what has come into sight while they looked at this page. And telling the server. */
import { compareIds, isId } from './positions.js';
import { ifAnswered, reportReceipt } from './server.js';

const SETTLE_MS = 250;

/** The lock that a page holds while somebody looks at it. @param {string} me @param {string} other */
export const readingLock = (me, other) => `mailbox-chat reading/${me}/${other}`;

/** Whether somebody looks at the page: it is visible, and its window has the focus. */
export const isLooking = () => !document.hidden && document.hasFocus();

export class Reading {
  /** The id of the newest message read. @type {string | undefined} */ upTo;
  /** The first new message: it has a line above it. @type {string | undefined} */ line;

  /** @param {(message: ShownMessage) => boolean} isOwn */
  constructor(isOwn) {
    this.isOwn = isOwn;
  }

  /** Reading never goes back. @param {string | undefined} id */
  reach(id) {
    if (id && isId(id) && (!this.upTo || compareIds(id, this.upTo) > 0)) this.upTo = id;
  }

  /**
   * Where reading has stopped. For two people, the server knows; for a room, the browser.
   * @param {readonly ChatMessage[]} messages @param {string} newest @param {string | undefined} kept by this browser
   */
  begin(messages, newest, kept) {
    if (kept && compareIds(kept, newest) <= 0) this.reach(kept);
    for (const one of messages) if (one.state === 'read' && !this.isOwn(one)) this.reach(one.id);
    const unread = this.unreadOf(messages);
    this.line = unread[0]?.identity;
    return unread.length;
  }

  /** The messages of others after the newest message that was read. @param {readonly ShownMessage[]} shown @returns {ShownMessage[]} */
  unreadOf(shown) {
    const unread = [];
    for (const one of shown.toReversed()) {
      if (!one.id || this.isOwn(one)) continue;
      if (this.upTo && compareIds(one.id, this.upTo) <= 0) break;
      unread.push(one);
    }
    return unread.toReversed();
  }

  /** The newest message of others among these. @param {readonly ShownMessage[]} seen */
  newestOf(seen) {
    return seen.findLast((one) => one.id && !this.isOwn(one))?.id;
  }
}

/** Whether all of these were read, or reading has stopped among them. @param {StoredMessage[]} messages @param {string} me */
export function reachesRead(messages, me) {
  const theirs = messages.filter(({ sender }) => sender !== me);
  return theirs.length === 0 || theirs.some(({ state }) => state === 'read');
}

/** Calls `onChange` when somebody begins or stops looking at the page. The lock tells other tabs. @param {string} lock @param {() => void} onChange */
export function watchLooking(lock, onChange) {
  /** @type {(() => void) | undefined} */
  let release;
  const turn = () => {
    if (isLooking() && !release) hold(lock, (end) => (release = end));
    else if (!isLooking()) {
      release?.();
      release = undefined;
    }
    onChange();
  };
  for (const type of ['focus', 'blur', 'pageshow']) addEventListener(type, turn);
  document.addEventListener('visibilitychange', turn);
  turn();
}

/** @param {string} name @param {(release: () => void) => void} begun */
function hold(name, begun) {
  const held = new Promise((resolve) => begun(() => resolve(undefined)));
  // Locks are missing on plain-http addresses, where there are no notifications either.
  navigator.locks?.request(name, { mode: 'shared' }, () => held).catch(() => undefined);
}

/** Reports to the server how far this page has received and read. */
export class Receipts {
  #timer = 0;
  /** @type {{ delivered?: string, read?: string }} */ #receipt = {};

  /** @param {{ receiver: string, sender: string }} whose */
  constructor(whose) {
    this.whose = whose;
  }

  /** @param {'delivered' | 'read'} how @param {string | undefined} id */
  note(how, id) {
    const before = this.#receipt[how];
    if (!id || (before && compareIds(id, before) <= 0)) return;
    this.#receipt[how] = id;
    if (!this.#timer) this.#timer = setTimeout(() => void this.#report(), SETTLE_MS);
  }

  async #report() {
    this.#timer = 0;
    // The receipt of the next message covers this one, too.
    await ifAnswered(reportReceipt({ ...this.whose, ...this.#receipt }));
  }
}
