/**
 * Ids rise within a mailbox. They are compared part by part, as numbers:
 *
 *     1763600000000.17      an event: when its stream was made (Unix ms), then its place in the stream
 *     1763600000000.16.1    a cursor but not an event: after place 16 and before 17, whatever was in 16
 */
const FORM = /^([1-9]\d{12})\.(0|[1-9]\d{0,14})(\.1)?$/;

/** The cursor of a mailbox that never had an event. */
export const FIRST_ID = '0-0';

/** A place in a stream. `epoch` 0: before everything. `seq` 16.5: between the events 16 and 17. */
export interface Place {
  readonly epoch: number;
  readonly seq: number;
}

export function isEventId(text: string): boolean {
  return text === FIRST_ID || FORM.test(text);
}

/** Negative when `a` comes before `b`, 0 when they are the same, positive when it comes after. */
export function compareIds(a: string, b: string): number {
  const [one, other] = [placeOf(a), placeOf(b)];
  return one.epoch - other.epoch || one.seq - other.seq;
}

export function placeOf(id: string): Place {
  if (id === FIRST_ID) return { epoch: 0, seq: 0 };
  const match = FORM.exec(id);
  if (!match) throw new TypeError(`Not an event id: ${JSON.stringify(id)}`);
  return { epoch: Number(match[1]), seq: Number(match[2]) + (match[3] ? 0.5 : 0) };
}

export function eventId(epoch: number, seq: number): string {
  return `${epoch}.${seq}`;
}

/** The cursor that reads the event at `seq` first. */
export function cursorBefore(epoch: number, seq: number): string {
  return `${epoch}.${seq - 1}.1`;
}
