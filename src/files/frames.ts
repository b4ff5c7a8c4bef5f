/**
 * The frames that we write into mailboxes and pieces, all of them valid text/event-stream. Each names the own id before it
 * (its fence), and begins with two line feeds, which end whatever was torn before it. `reading-rule.ts` says what counts.
 *
 *     : after 1763600000000-0
 *     id: 1763600000123-0
 *     data: {"sender":"jjeong","receiver":"henry","message":"hi","time":"2025-11-20T00:53:20.123Z","key":"…"}
 *
 *     : after 1763600000123-0
 *     id: 1763600000456-0
 *     event: edit                                only if it has a type
 *     data: {"sender":"jjeong","receiver":"henry","of":"1763600000123-0","message":"hello",…}
 *
 *     : after 1763600000456-0
 *     : end 1763600000456-0                      an end marker: text behind it is late mail
 *
 *     : after 1763600000456-0
 *     : late 1763500000000-0 812-830             from bytes 812-830 of the piece that begins after 1763500000000-0
 *     id: 1763600000500-0
 *     event: alert
 *     data: the text
 *     : whole                                    shows that the frame is not torn
 *
 * A merged piece begins with the names of the files that it was made from. Its frames have no fences; `at` is the time of
 * foreign text.
 *
 *     : parts 1763600000000-0_1763600000456-0.txt 1763600000456-0_1763600000900-0.txt
 *
 *     id: 1763600000123-0
 *     data: {"sender":"jjeong",…}
 *
 *     : at 1763600000456
 *     id: 1763600000123-0.1
 *     data: hi
 */
import { BOM_BYTES, eachField } from './blocks.ts';
import type { MergedEvent, LateRange } from './frame-forms.ts';
import type { ReadState } from './read-state.ts';

type Place = Pick<ReadState, 'own' | 'voided'>;

/** Message frames for one write at `place`. Each one's fence names the id of the one before. */
export function messageFrames(
  place: Place,
  messages: readonly { readonly id: string; readonly data: string; readonly type?: string | undefined }[],
): string {
  let own = place.own;
  let text = spacing(place);
  for (const { id, data, type } of messages) {
    text += `\n\n: after ${own}\nid: ${id}\n${eventLine(type)}data: ${data}\n\n`;
    own = id;
  }
  return text;
}

/** `id`: the id that the next piece begins after. `at`: when the piece ended, in Unix ms, if the id does not tell. */
export function endMarker(place: Place, id: string, at?: number): string {
  return `${spacing(place)}\n\n: after ${place.own}\n: end ${id}${at === undefined ? '' : ` ${at}`}\n\n`;
}

/** Repeats a foreign block of another piece, byte for byte, even if it is not UTF-8. */
export function lateFrame(place: Place, id: string, late: LateRange, block: Buffer): Buffer {
  const text = block.toString('latin1');
  const fields: string[] = [];
  eachField(text, BOM_BYTES, (_, line) => fields.push(line));
  const head = `${spacing(place)}\n\n: after ${place.own}\n: late ${late.piece} ${late.from}-${late.to}\nid: ${id}\n`;
  return Buffer.from(`${head}${fields.join('\n')}\n: whole\n\n`, 'latin1');
}

/** What ends an unfinished block: whole lines become an event, half a line becomes void. */
export function closing(tail: 'none' | 'lines' | 'partial'): string {
  return { none: '', lines: '\n\n', partial: '\n: torn\n\n' }[tail];
}

export function mergedHead(parts: readonly string[]): string {
  return `: parts ${parts.join(' ')}\n\n`;
}

export function mergedFrame({ id, data, type, at }: MergedEvent): string {
  const comment = at === undefined ? '' : `: at ${at}\n`;
  const lines = data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data;
  return `\n\n${comment}id: ${id}\n${eventLine(type)}data: ${lines}\n\n`;
}

function eventLine(type: string | undefined): string {
  return type === undefined ? '' : `event: ${type}\n`;
}

/** A frame right behind a void one with the id that its fence names would be void, too. So another block comes between. */
function spacing({ own, voided }: Place): string {
  return own === voided ? '\n\n: not after the void frame\n\n' : '';
}
