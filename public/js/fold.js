/**
 * What edits, removals and reactions make of messages. The result depends on the positions of the changes, not on the order
 * in which they come. The server does the same, in `src/words`: one table of examples tests both.
 */
import { acceptedAt, comparePositions } from './positions.js';

export const CHANGES = ['edit', 'remove', 'react'];
/** Changes of so many messages are kept; those of the message that was changed first go first. */
const MOST_MESSAGES = 10_000;
const MOST_PEOPLE = 100;

/** @param {string | undefined} type */
export const isChange = (type) => CHANGES.includes(type ?? '');

/** A change in the form of the history; undefined if it is something else. @param {string} data @returns {MessageChange | undefined} */
export function readChange(data) {
  try {
    const change = JSON.parse(data);
    const { event, mailbox, id, sender, receiver, of, time } = change;
    const told = event === 'edit' ? change.message : event === 'react' ? change.emoji : '';
    const isWhole = [mailbox, id, sender, receiver, of, time, told].every((field) => typeof field === 'string');
    return isChange(event) && isWhole ? change : undefined;
  } catch {
    return undefined;
  }
}

/** @typedef {MessageChange & Position & { number: number }} Kept */

export class Fold {
  /** By the id of the message; then the newest of each kind, sender and origin. @type {Map<string, Map<string, Kept>>} */
  #changes = new Map();
  /** How many changes have come. */
  count = 0;

  /** @param {MessageChange} change */
  add(change) {
    const { event, of, sender, mailbox, id } = change;
    if (event === 'edit' && !change.message) return; // a later edit has erased it
    const kept = { ...change, mailbox, id, acceptedMs: acceptedAt(change), number: ++this.count };
    const ofMessage = this.#changes.get(of) ?? new Map();
    const slot = JSON.stringify([event, sender, event !== 'react' && isForeign(change)]);
    const known = ofMessage.get(slot);
    if (known ? comparePositions(known, kept) >= 0 : ofMessage.size >= 3 * MOST_PEOPLE) return;
    ofMessage.set(slot, kept);
    this.#changes.set(of, ofMessage);
    for (const oldest of this.#changes.keys()) {
      if (this.#changes.size <= MOST_MESSAGES) break;
      this.#changes.delete(oldest);
    }
  }

  /** Forgets changes of a message (of all messages) that came early: what is stored contains them. @param {number} count @param {string} [of] */
  forget(count, of) {
    for (const id of of === undefined ? this.#changes.keys() : [of]) {
      const ofMessage = this.#changes.get(id);
      for (const [slot, { number }] of ofMessage ?? []) if (number <= count) ofMessage?.delete(slot);
      if (ofMessage?.size === 0) this.#changes.delete(id);
    }
  }

  /** What a message says, with its changes. @param {StoredMessage} stored @returns {Saying} */
  apply(stored) {
    const { message, files = [], edited = false, removed = false, replyTo } = stored;
    const changes = [...(this.#changes.get(stored.id)?.values() ?? [])];
    const allowed = changes.filter((change) => mayChange(change, stored));
    const edit = newest(allowed.filter(({ event }) => event === 'edit'));
    const isErased = removed || (message === '' && !files.length);
    if (allowed.some(({ event }) => event === 'remove') || (isErased && !edit)) return REMOVED;
    const reactions = withReactions(stored, changes);
    return { message: edit?.message ?? message, replyTo, isEdited: edited || !!edit, isRemoved: false, reactions };
  }
}

/** @type {Saying} */
const REMOVED = { message: '', replyTo: undefined, isEdited: false, isRemoved: true, reactions: {} };

/** @param {{ foreign?: boolean, viaFile?: boolean }} one */
const isForeign = ({ foreign, viaFile }) => Boolean(foreign || viaFile);

/** Nobody has checked the sender of what another program wrote: it changes nothing else. @param {MessageChange} change @param {StoredMessage} stored */
const mayChange = (change, stored) =>
  change.sender === stored.sender && (!isForeign(change) || isForeign(stored)) && change.event !== 'react';

/** @param {Kept[]} changes */
const newest = (changes) => changes.toSorted(comparePositions).at(-1);

/** @param {StoredMessage} stored @param {Kept[]} changes */
function withReactions({ reactions = {} }, changes) {
  const known = new Map(Object.entries(reactions));
  for (const { event, sender, emoji = '' } of changes) {
    if (event !== 'react') continue;
    known.delete(sender);
    if (emoji && known.size < MOST_PEOPLE) known.set(sender, emoji);
  }
  return Object.fromEntries(known);
}
