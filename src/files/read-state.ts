import { FIRST_ID, ownPart } from './event-id.ts';
import type { LateRange } from './frame-forms.ts';

/** A longer foreign block is void, so that one hostile line cannot fill the memory. */
export const MAX_EVENT_BYTES = 1024 * 1024;
/** A late frame of ours holds a whole foreign block, so it may be longer. */
export const MAX_BLOCK_BYTES = 2 * MAX_EVENT_BYTES;

/** An event that was read. `from` and `end` are its offsets in the file, with its blank line. */
export interface ReadEvent {
  readonly id: string;
  readonly data: string;
  readonly type?: string | undefined;
  /** Unix ms. Foreign text has one only if the piece says it. */
  readonly time?: number;
  /** Set for messages of ours, and only for them. */
  readonly sender?: string;
  /** See `scopedKey`. Only messages of ours have one. */
  readonly key?: string | undefined;
  readonly from: number;
  readonly end: number;
  readonly late?: LateRange;
}

/** `late`: text behind an end marker. Only foreign text in it is of use. */
type PieceForm = 'mail' | 'merged' | 'late';

/** All that a reader needs to go on from where another one stopped. A state that is kept is a checkpoint. */
export interface ReadState {
  readonly form: PieceForm;
  /** The id that the piece begins after. */
  readonly start: string;
  readonly offset: number;
  /** The last own id: what the next fence must name. */
  readonly own: string;
  /** The last id. */
  readonly last: string;
  /** How many events were read so far. */
  readonly count: number;
  /** The id of the void frame right before, if there is one. A frame whose fence names it does not count. */
  readonly voided?: string;
  /** Inside a block that is too long to be an event. */
  readonly isLong?: true | undefined;
  /** The id that the next piece begins after, once an end marker was read. Nothing behind the marker counts. */
  readonly end?: string;
  /** When the piece ended, in Unix ms. */
  readonly endedAt?: number;
}

export function beginning(start: string = FIRST_ID, form: PieceForm = 'mail'): ReadState {
  return { form, start, offset: 0, own: ownPart(start), last: start, count: 0 };
}

/** The state to read late mail with: behind the end marker, or from `offset`, where the last such reading stopped. */
export function behindEnd(state: ReadState, offset = state.offset): ReadState {
  const { form: _, end: _end, endedAt: _at, ...rest } = state;
  return { ...rest, form: 'late', offset };
}
