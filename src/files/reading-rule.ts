/**
 * What counts in a piece: a function of its bytes and of the id that it begins after, and of nothing else. Each block is
 * judged from the top; the first row that fits decides.
 *
 *     too long; its last line is ": torn"; behind its fence none of our forms           void
 *     message frame whose data is not whole                                             void: a torn append
 *     fence names the last own id, and no void frame right before has it; id is new     counts
 *     message frame, fence not before the piece's start, receiver is this mailbox       void: its writer had missed something
 *     message frame otherwise                                                           somebody's copy: foreign text
 *     end marker or late frame otherwise                                                void
 *     anything else with data                                                           foreign text
 *
 * Foreign text is an event, too; its id is the id before it and a counter. In a merged piece, which we alone write, no
 * frame has a fence: each id that is higher than the one before it stands. Behind an end marker nothing counts.
 */
import { keyOf } from '../words/message-data.ts';
import { compareIds, idTime, isInReach, isOwnId, ownPart } from './event-id.ts';
import { formOf, mergedEventOf, type Form } from './frame-forms.ts';
import { messageHead } from './message-frame.ts';
import { MAX_EVENT_BYTES, type ReadEvent, type ReadState } from './read-state.ts';

/** What an event says, but for where it stands. */
export type Said = Omit<ReadEvent, 'from' | 'end'>;

/** `void`: `id` is that of the frame, when its form was whole. */
export type Verdict =
  | { readonly kind: 'event'; readonly said: Said }
  | { readonly kind: 'foreign'; readonly data: string }
  | { readonly kind: 'end'; readonly id: string; readonly at: number }
  | { readonly kind: 'void'; readonly id?: string };

const VOID: Verdict = { kind: 'void' };

/** Judges a block that begins with a fence, which names `after`. `length`: that of its lines, in bytes. */
export function judgeFenced(
  lines: readonly string[],
  length: number,
  after: string,
  state: ReadState,
  mailbox: string,
): Verdict {
  const form = formOf(lines);
  if (!form || (length > MAX_EVENT_BYTES && form.kind !== 'late')) return VOID;
  const message = form.kind === 'message' ? messageHead(form.data) : undefined;
  if (form.kind === 'message' && !message) return VOID;

  const isNext = state.form === 'mail' && after === state.own && after !== state.voided;
  if (isNext && isNew(form, state)) return accept(form, message?.sender);
  const hadSeenStart = compareIds(after, ownPart(state.start)) >= 0;
  const isCopy = form.kind === 'message' && !(hadSeenStart && message?.receiver === mailbox);
  return isCopy ? { kind: 'foreign', data: form.data } : { kind: 'void', id: form.id };
}

/** What a block of a merged piece says; undefined when it is no event, or its id is not higher than `last`. */
export function judgeMerged(lines: readonly string[], last: string): Said | undefined {
  const event = mergedEventOf(lines);
  if (!event || compareIds(event.id, last) <= 0) return undefined;
  const { at, ...said } = event;
  if (at !== undefined) return { ...said, time: at };
  const message = isOwnId(said.id) ? messageHead(said.data) : undefined;
  return message ? ownMessage(said, message.sender) : said;
}

function isNew({ kind, id }: Form, { own, last }: ReadState): boolean {
  const order = compareIds(id, last);
  return (kind === 'end' ? order >= 0 : order > 0) && isInReach(idTime(id), idTime(own));
}

function accept(form: Form, sender: string | undefined): Verdict {
  if (form.kind === 'end') return { kind: 'end', id: form.id, at: form.at ?? idTime(form.id) };
  const { kind: _, ...said } = form;
  return {
    kind: 'event',
    said: sender === undefined ? { ...said, time: idTime(form.id) } : ownMessage(said, sender),
  };
}

function ownMessage(said: Said, sender: string): Said {
  const key = keyOf(said.data);
  return { ...said, time: idTime(said.id), sender, ...(key !== undefined && { key }) };
}
