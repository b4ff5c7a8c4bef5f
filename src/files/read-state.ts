import { FIRST_ID, ownPart } from './event-id.ts';
import type { LateRange } from './frame-forms.ts';

/** A foreign block that is longer is set aside, not delivered: one hostile line must not fill the memory. */
export const MAX_EVENT_BYTES = 1024 * 1024;
/** A block of ours may hold the whole of a foreign one. */
export const MAX_BLOCK_BYTES = 2 * MAX_EVENT_BYTES;
/** An event; `from`..`end` are its offsets in the file, blank line included. */
export interface ReadEvent {
  readonly id: string;
  readonly data: string;
  readonly type?: string | undefined;
  /** Unix ms; of foreign text only where the piece says it. */
  readonly time?: number;
  /** Of our messages only, and of all of them. */
  readonly sender?: string;
  /** Scoped to its sender; of our messages only. */
  readonly key?: string | undefined;
  readonly from: number;
  readonly end: number;
  readonly late?: LateRange;
}

/** `late`: what stands behind an end marker, of which only foreign text is of use, to be written again. */
export type PieceForm = 'mail' | 'merged' | 'late';

/** All that is needed to read on from where a reader stopped: also a checkpoint. */
export interface ReadState {
  readonly form: PieceForm;
  /** The id that the piece begins after. */
  readonly start: string;
  readonly offset: number;
  /** The last own id: what the next fence must name. */
  readonly own: string;
  /** The last id. */
  readonly last: string;
  /** How many events came so far. */
  readonly count: number;
  /** The id of a void frame right before. When it is `own`, the next frame needs another block before it: `frames` does that. */
  readonly voided?: string;
  /** Inside a block that is too long to be an event. */
  readonly isLong?: true | undefined;
  /** The id that the next piece begins after, once an end marker counted; nothing behind it does. */
  readonly end?: string;
  /** When the piece ended, in Unix ms. */
  readonly endedAt?: number;
}

export function beginning(start: string = FIRST_ID, form: PieceForm = 'mail'): ReadState {
  return { form, start, offset: 0, own: ownPart(start), last: start, count: 0 };
}

/** To read what came late: behind the end marker of a piece, or from `offset` on, where an earlier late read stopped. */
export function behindEnd(state: ReadState, offset = state.offset): ReadState {
  const { form: _, end: _end, endedAt: _at, ...rest } = state;
  return { ...rest, form: 'late', offset };
}
