/** What waits in the outbox, as the page shows it: a new message is in the log, a change is already made. */
import { ownIdentity } from './conversation.js';
import { readKeptFiles } from './files.js';
import { isChange } from './fold.js';

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

/** Storage is not trusted: what it returns is checked. @param {string | undefined} kept @param {string} key @returns {Letter | undefined} */
export function readLetter(kept, key) {
  try {
    const { message, event, of, emoji, replyTo, files, at, triedAt, failed, behind } = JSON.parse(kept ?? '');
    const isWhole = event === undefined ? isText(message) : isChange(event) && isText(of);
    if (!isWhole || !isTime(at)) return undefined;
    return {
      key,
      message: isText(message) ? message : '',
      ...(event && { event, of }),
      ...(isText(emoji) && { emoji }),
      ...(isText(replyTo) && { replyTo }),
      ...(files && { files: readKeptFiles(files) }),
      at,
      ...(isTime(triedAt) && { triedAt }),
      failed: failed === true,
      ...(isText(behind) && { behind }),
    };
  } catch {
    return undefined;
  }
}

/** @param {unknown} value */
const isText = (value) => typeof value === 'string';

/** @param {unknown} ms */
const isTime = (ms) => typeof ms === 'number' && ms > 0 && ms < 8e15;
