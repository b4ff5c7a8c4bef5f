/** What waits to be sent: how this browser keeps it, and how the page shows it. A new message is in the log, a change is already made. */
import { ownIdentity } from './conversation.js';
import { readKeptFiles } from './files.js';
import { isChange } from './fold.js';
import { forget, isText, onChangedElsewhere, recall, recallKeys, remember } from './storage.js';

const DAY_MS = 24 * 60 * 60_000;

/** @typedef {Letter & { state: LetterState }} Waiting */

/**
 * Messages that are being sent come last; those that failed stay where they were when they failed.
 * @param {import('./conversation.js').Conversation} conversation @param {import('./outbox.js').Outbox} outbox
 * @param {number} aheadMs how far the server's clock is ahead @returns {ShownMessage[]}
 */
export function withLetters(conversation, outbox, aheadMs) {
  const sender = outbox.options.me;
  /** @type {ShownMessage[]} */
  const shown = [...conversation.messages];
  for (const letter of outbox.letters) {
    if (letter.event) {
      change(shown, letter, sender);
      continue;
    }
    const { key, at, behind, message, replyTo, files = [], state } = letter;
    const identity = ownIdentity(key);
    if (conversation.has(identity)) continue;
    const isBefore = (/** @type {ShownMessage} */ one) => one.identity === behind || one.behind === behind;
    const place = behind === undefined ? shown.length : shown.findLastIndex(isBefore) + 1;
    const said = { message, replyTo, files, isEdited: false, isRemoved: false, reactions: {} };
    const written = { identity, key, behind, state, sender, time: at + aheadMs, foreign: false, viaFile: false };
    shown.splice(place, 0, { ...said, ...written });
  }
  return shown;
}

/** Whether a file of this letter must be uploaded before it is sent. @param {Pick<Letter, 'files'>} letter */
export const hasToUpload = ({ files = [] }) => files.some(({ sha256 }) => !sha256);

/** @param {ShownMessage[]} shown @param {Waiting} letter @param {string} me */
function change(shown, { event, of, message, emoji = '', key, state }, me) {
  const at = shown.findLastIndex(({ id }) => id === of);
  const before = shown[at];
  if (!before || before.isRemoved) return;
  const changed = { ...before, change: { key, state } };
  if (event === 'edit') Object.assign(changed, { message, isEdited: true });
  if (event === 'react' && state !== 'failed') changed.reactions = { ...before.reactions, [me]: emoji };
  if (event === 'remove' && state !== 'failed')
    Object.assign(changed, { message: '', files: [], isRemoved: true, reactions: {} });
  shown[at] = changed;
}

/** What the server is to store. @param {Letter} letter */
export function saidIn({ event, of, emoji, message, replyTo, files }) {
  if (event) return { event, of, ...(event === 'edit' && { message }), emoji };
  return { message, replyTo, files: files?.map((file) => ({ ...file, kept: undefined })) };
}

/** The letters of a conversation, kept until they are sent. All its tabs share them. */
export class KeptLetters {
  /** @type {Map<string, Letter>} */ #letters = new Map();

  /** @param {string} prefix how the names begin under which they are kept @param {(gone: string) => void} onChange `gone`: the key of one that is no longer to be sent */
  constructor(prefix, onChange) {
    this.prefix = prefix;
    this.onChange = onChange;
    for (const name of recallKeys(prefix)) {
      const { takenBackAt = Infinity } = this.#load(name) ?? { takenBackAt: 0 }; // a crash of the browser has damaged it
      if (takenBackAt < Date.now() - DAY_MS) this.#forget(name);
    }
    onChangedElsewhere(prefix, (name) => {
      if (name === undefined) return; // if the storage was cleared, the letters are still sent
      this.#load(name);
      onChange(this.get(this.#keyIn(name)) ? '' : this.#keyIn(name));
    });
  }

  /** In the order they were written. */
  get all() {
    return [...this.#letters.values()].filter(({ takenBackAt }) => !takenBackAt).toSorted((a, b) => a.at - b.at);
  }

  /** The keys of those that must not be sent, but may have been. */
  get takenBack() {
    return [...this.#letters.values()].filter(({ takenBackAt }) => takenBackAt).map(({ key }) => key);
  }

  /** A letter that is to be sent. @param {string} key */
  get(key) {
    const letter = this.#letters.get(key);
    return letter?.takenBackAt ? undefined : letter;
  }

  /** @param {Letter} letter */
  keep(letter) {
    remember(this.prefix + letter.key, JSON.stringify(letter));
    this.#letters.set(letter.key, letter);
    this.onChange('');
  }

  /** If another tab has sent or deleted the letter meanwhile, it is not stored again. @param {Letter} letter */
  update(letter) {
    if (recall(this.prefix + letter.key) !== undefined) return this.keep(letter);
    this.#letters.set(letter.key, letter);
    this.onChange('');
  }

  /** @param {string} key */
  delete(key) {
    this.#forget(this.prefix + key);
    this.onChange(key);
  }

  /** @param {string} name */
  #forget(name) {
    this.#letters.delete(this.#keyIn(name));
    forget(name);
  }

  /** @param {string} name the storage key */
  #load(name) {
    const key = this.#keyIn(name);
    const before = this.#letters.get(key);
    const letter = readLetter(recall(name), key);
    this.#letters.delete(key);
    // A tab that had not heard yet that it was taken back may have stored it again.
    if (letter && before?.takenBackAt && !letter.takenBackAt) this.keep(before);
    else if (letter) this.#letters.set(key, letter);
    return letter;
  }

  /** @param {string} name */
  #keyIn(name) {
    return name.slice(this.prefix.length);
  }
}

/** Storage is not trusted: what it returns is checked. @param {string | undefined} kept @param {string} key @returns {Letter | undefined} */
function readLetter(kept, key) {
  try {
    const { message, event, of, emoji, replyTo, files, at, triedAt, failed, behind, takenBackAt } = JSON.parse(
      kept ?? '',
    );
    const isWhole = event === undefined ? isText(message, Infinity) : isChange(event) && isText(of);
    if (!isWhole || !isTime(at)) return undefined;
    return {
      key,
      message: isText(message, Infinity) ? message : '',
      ...(event && { event, of }),
      ...(isText(emoji) && { emoji }),
      ...(isText(replyTo) && { replyTo }),
      ...(files && { files: readKeptFiles(files) }),
      at,
      ...(isTime(triedAt) && { triedAt }),
      failed: failed === true,
      ...(isText(behind) && { behind }),
      ...(isTime(takenBackAt) && { takenBackAt }),
    };
  } catch {
    return undefined;
  }
}

/** @param {unknown} ms */
const isTime = (ms) => typeof ms === 'number' && ms > 0 && ms < 8e15;
