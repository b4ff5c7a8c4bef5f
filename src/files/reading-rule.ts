/**
 * What counts in a piece. It depends on the bytes of the piece and on the id that it begins after, and on nothing else. The
 * first row that fits a block decides:
 *
 *     too long; or its last line is ": torn"; or a fence with none of our forms behind it    void
 *     a message frame whose data is not whole                                                void: a torn append
 *     the fence names the last own id, which no void frame right before has; the id is new   counts
 *     a message frame to this mailbox whose fence is not before the piece's start            void: its writer missed something
 *     any other message frame                                                                foreign text: a copy
 *     any other end marker or late frame                                                     void
 *     anything else with data                                                                foreign text
 *
 * Foreign text is an event, too: its id is the id before it, with a counter. In a merged piece, which only we write, frames
 * have no fences, and each id that is higher than the one before counts. Nothing behind an end marker counts.
 */
import { keyOf } from '../words/message-data.ts';
import { compareIds, idTime, isInReach, isOwnId, ownPart } from './event-id.ts';
import { formOf, mergedEventOf, type Form } from './frame-forms.ts';
import { messageHead } from './message-frame.ts';
import { MAX_EVENT_BYTES, type ReadEvent, type ReadState } from './read-state.ts';

/** An event without its place in the file. */
export type Said = Omit<ReadEvent, 'from' | 'end'>;

/** Of a void frame, `id` is set if its form was whole. */
export type Verdict =
  | { readonly kind: 'event'; readonly said: Said }
  | { readonly kind: 'foreign'; readonly data: string; readonly type?: string | undefined }
  | { readonly kind: 'end'; readonly id: string; readonly at: number }
  | { readonly kind: 'void'; readonly id?: string };

const VOID: Verdict = { kind: 'void' };

/** Judges a block that begins with a fence naming `after`. `length`: of its lines, in bytes. */
export function judgeFenced(text: string, length: number, after: string, state: ReadState, mailbox: string): Verdict {
  const form = formOf(text);
  if (!form || (length > MAX_EVENT_BYTES && form.kind !== 'late')) return VOID;
  const message = form.kind === 'message' ? messageHead(form.data) : undefined;
  if (form.kind === 'message' && !message) return VOID;

  const isNext = state.form === 'mail' && after === state.own && after !== state.voided;
  if (isNext && isNew(form, state)) return accept(form, message?.sender);
  const hadSeenStart = compareIds(after, ownPart(state.start)) >= 0;
  const isCopy = form.kind === 'message' && !(hadSeenStart && message?.receiver === mailbox);
  return isCopy ? { kind: 'foreign', data: form.data, type: form.type } : { kind: 'void', id: form.id };
}

/** Judges a block of a merged piece. Undefined if it is not an event, or its id is not higher than `last`. */
export function judgeMerged(text: string, last: string): Said | undefined {
  const event = mergedEventOf(text);
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
