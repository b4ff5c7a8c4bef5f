/**
 * What edits, removals and reactions make of messages. The newest change counts, in whatever order they come. The server does
 * the same, in `src/words/changes.ts`: both are tested with the same examples.
 */
import { readFiles } from './files.js';
import { compareIds } from './positions.js';

export const CHANGES = ['edit', 'remove', 'react'];
const MOST_MESSAGES = 10_000;
const MOST_REACTIONS = 100;

/** @param {string | undefined} type */
export const isChange = (type) => CHANGES.includes(type ?? '');

/** A change in the form of the history; undefined if it is something else. @param {string} data @returns {MessageChange | undefined} */
export function readChange(data) {
  try {
    const change = JSON.parse(data);
    const { event, mailbox, id, sender, of } = change;
    const told = event === 'edit' ? change.message : event === 'react' ? change.emoji : '';
    const isWhole = [mailbox, id, sender, of, told].every((field) => typeof field === 'string');
    return isChange(event) && isWhole ? change : undefined;
  } catch {
    return undefined;
  }
}

/** The newest changes of one message: of its text by who wrote them, and the reactions by person. @typedef {Record<'text' | 'reactions', Map<string, MessageChange>>} Known */

export class Fold {
  /** By the id of the message. @type {Map<string, Known>} */ #known = new Map();

  /** @param {MessageChange} change */
  add(change) {
    const { event, of, sender, message } = change;
    if (event === 'edit' && !message) return; // a newer edit has erased it
    const { text, reactions } = this.#known.get(of) ?? this.#begin(of);
    if (event !== 'react') return keepNewest(text, slotOf(change), change);
    keepNewest(reactions, sender, change);
    if (reactions.size <= MOST_REACTIONS) return;
    const [oldest] = [...reactions.values()].toSorted((a, b) => compareIds(a.id, b.id));
    if (oldest) reactions.delete(oldest.sender);
  }

  /** @param {string} of @returns {Known} */
  #begin(of) {
    const known = { text: new Map(), reactions: new Map() };
    this.#known.set(of, known);
    const [first = ''] = this.#known.keys();
    if (this.#known.size > MOST_MESSAGES) this.#known.delete(first);
    return known;
  }

  /** Whether it is known what has become of a text. @param {string} id */
  knows(id) {
    return (this.#known.get(id)?.text.size ?? 0) > 0;
  }

  /** What a message says, with its changes. @param {StoredMessage} stored @returns {Saying} */
  apply(stored) {
    const { message, edited = false, removed = false, replyTo } = stored;
    const files = readFiles(stored.files);
    const known = this.#known.get(stored.id);
    const edit = newestOf('edit', stored, known);
    const isErased = removed || (message === '' && !files.length);
    if (newestOf('remove', stored, known) || (isErased && !edit)) return REMOVED;
    const reactions = new Map(Object.entries(stored.reactions ?? {}));
    for (const { sender, emoji = '' } of known?.reactions.values() ?? []) reactions.set(sender, emoji);
    for (const [person, emoji] of reactions) if (!emoji) reactions.delete(person);
    return {
      message: edit?.message ?? message,
      files,
      replyTo,
      isEdited: edited || edit !== undefined,
      isRemoved: false,
      reactions: Object.fromEntries(reactions),
    };
  }
}

/** @type {Saying} */
const REMOVED = { message: '', files: [], replyTo: undefined, isEdited: false, isRemoved: true, reactions: {} };

/** @param {Map<string, MessageChange>} newest @param {string} slot @param {MessageChange} change */
function keepNewest(newest, slot, change) {
  const other = newest.get(slot);
  if (!other || compareIds(change.id, other.id) > 0) newest.set(slot, change);
}

/** @param {Pick<MessageChange, 'event' | 'sender' | 'viaFile'>} change */
const slotOf = ({ event, sender, viaFile = false }) => `${event} ${sender}${viaFile ? ' via a file' : ''}`;

/**
 * The newest change of this kind that counts. Nobody has checked what other programs wrote: that changes only what they wrote.
 * @param {'edit' | 'remove'} event @param {StoredMessage} stored @param {Known | undefined} known
 */
function newestOf(event, { sender, viaFile }, known) {
  if (sender === null || !known) return undefined;
  const own = known.text.get(slotOf({ event, sender }));
  const foreign = viaFile ? known.text.get(slotOf({ event, sender, viaFile })) : undefined;
  if (!own || !foreign) return own ?? foreign;
  return compareIds(own.id, foreign.id) > 0 ? own : foreign;
}
