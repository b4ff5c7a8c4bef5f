/**
 * Ids of events. They rise within a mailbox, whatever the clock does:
 *
 *     1763600000000-0      an own id: <Unix ms>-<sequence number>
 *     1763600000000-0.1    foreign mail: the id before it, and a counter
 */
const FORM = /^(0|[1-9]\d{0,14})-(0|[1-9]\d{0,9})(?:\.([1-9]\d{0,14}))?$/;
const DASH = 45;
const DOT = 46;
const ZERO = 48;
const NINE = 57;
/** The highest sequence number that we give. Ids found in files may have higher ones, and still leave room for the next id. */
const MAX_SEQ = 999_999;

/** The cursor before the first event. No event has this id. */
export const FIRST_ID = '0-0';

/** In the year 2286. Ids may jump up to here. Beyond, they rise by 1 ms at most, so no id in a file can use them up. */
const FAR_MS = 1e13;

export function isEventId(text: string): boolean {
  return FORM.test(text);
}

export function isOwnId(text: string): boolean {
  return FORM.test(text) && !isForeignId(text);
}

/** Whether this is the id of foreign mail. */
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

/** When an event of ours was accepted, in Unix ms. */
export function idTime(id: string): number {
  return idParts(id)[0];
}

/** The own id that a foreign id begins with. Of an own id, itself. */
export function ownPart(id: string): string {
  const dot = id.indexOf('.');
  return dot === -1 ? id : id.slice(0, dot);
}

/** Whether an own id with the time `ms` may follow one with `ownMs`. */
export function isInReach(ms: number, ownMs: number): boolean {
  return ms <= FAR_MS || ms <= ownMs + 1;
}

/** The next own id after `last`, and after `above` (an id of another mailbox) unless that is too far ahead. */
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

/** Ids are compared very often, so this does not use a regular expression, which is many times slower. */
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
