/**
 * Ids rise within a mailbox, whatever the clock does:
 *
 *     1763600000000-0      an own id: <Unix ms>-<sequence number>
 *     1763600000000-0.1    foreign mail: the id before it, and a counter
 */
const FORM = /^(0|[1-9]\d{0,14})-(0|[1-9]\d{0,9})(?:\.([1-9]\d{0,14}))?$/;
const DASH = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
/** Above this the next millisecond begins, so that an id from a file leaves room for the next one. */
const MAX_SEQ = 999_999;

/** The id of no event: the cursor before the first one. */
export const FIRST_ID = '0-0';

/** In the year 2286. Up to here an id may jump; beyond it ids rise by one, so no id in a file can use them all up. */
const FAR_MS = 1e13;

export function isEventId(text: string): boolean {
  return FORM.test(text);
}

export function isOwnId(text: string): boolean {
  return FORM.test(text) && !isForeignId(text);
}

/** Whether an event id is that of foreign mail. */
export function isForeignId(id: string): boolean {
  return id.includes('.');
}

/** Negative when `a` comes before `b`, 0 when they are the same, positive when it comes after. */
export function compareIds(a: string, b: string): number {
  if (a === b) return 0;
  const [aMs, aSeq, aForeign] = idParts(a);
  const [bMs, bSeq, bForeign] = idParts(b);
  return aMs - bMs || aSeq - bSeq || aForeign - bForeign;
}

export function laterId(a: string, b: string): string {
  return compareIds(a, b) >= 0 ? a : b;
}

/** Unix milliseconds at which an event of ours was accepted. */
export function idTime(id: string): number {
  return idParts(id)[0];
}

/** The own id that a foreign id begins with; an own id is its own. */
export function ownPart(id: string): string {
  const dot = id.indexOf('.');
  return dot === -1 ? id : id.slice(0, dot);
}

/** Whether an own id of `ms` may follow one of `ownMs`. */
export function isInReach(ms: number, ownMs: number): boolean {
  return ms <= FAR_MS || ms <= ownMs + 1;
}

/** An own id behind `last`, and behind `above` (ids of other mailboxes) unless that is too far away to follow. */
export function nextOwnId(last: string, now: number, above = FIRST_ID): string {
  const from = idTime(above) < FAR_MS ? laterId(last, above) : last;
  const [ms, seq] = idParts(from);
  const time = Math.min(now, FAR_MS);
  if (time > ms) return `${time}-0`;
  return seq < MAX_SEQ ? `${ms}-${seq + 1}` : `${ms + 1}-0`;
}

export function nextForeignId(last: string): string {
  const [ms, seq, foreign] = idParts(last);
  return `${ms}-${seq}.${foreign + 1}`;
}

/** Ids are compared far more often than they come from outside: a pattern would cost more than all the rest. */
export function idParts(id: string): readonly [ms: number, seq: number, foreign: number] {
  let field = 0;
  const values: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < id.length; i += 1) {
    const code = id.charCodeAt(i);
    if (code >= ZERO && code <= NINE) values[field] = values[field]! * 10 + code - ZERO;
    else if (code === (field === 0 ? DASH : DOT) && i > 0 && field < 2) field += 1;
    else throw new TypeError(`Not an event id: ${JSON.stringify(id)}`);
  }
  if (field === 0) throw new TypeError(`Not an event id: ${JSON.stringify(id)}`);
  return values;
}
