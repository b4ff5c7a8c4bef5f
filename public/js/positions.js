/** The order of events. */
import { isText } from './storage.js';

/** Whether this may be an id. @param {unknown} id */
export const isId = (id) => isText(id) && /^\d[\d.-]*$/.test(id);

/** Ids rise within a mailbox. Their form is `<ms>-<seq>`, followed by `.n` for a foreign event. @param {string} a @param {string} b */
export function compareIds(a, b) {
  const left = a.split(/[-.]/);
  const right = b.split(/[-.]/);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = Number(left[i] ?? -1) - Number(right[i] ?? -1);
    if (difference) return difference;
  }
  return 0;
}

/** Across mailboxes, what was accepted first comes first. @param {Position} a @param {Position} b */
export const comparePositions = (a, b) =>
  a.acceptedMs - b.acceptedMs || compareIds(a.id, b.id) || (a.mailbox < b.mailbox ? -1 : 1);

/**
 * When an event was accepted. The field is present if `time` differs; in files, an id of ours has it, too.
 * @param {{ acceptedMs?: number, id: string, time: string }} event
 */
export function acceptedAt({ acceptedMs, id, time }) {
  const [, ms] = /^(\d+)-\d+$/.exec(id) ?? [];
  return (acceptedMs ?? Number(ms ?? Date.parse(time))) || 0;
}
