import { foreignFields } from './blocks.ts';
import { isEventId, isOwnId } from './event-id.ts';

/** Where late mail came from: bytes `from` to `to` of the piece that begins after the id `piece`. */
export interface LateRange {
  readonly piece: string;
  readonly from: number;
  readonly to: number;
}

/** What a fenced block says. `at`: when the piece ended, in Unix ms. */
export type Form =
  | {
      readonly kind: 'message';
      readonly id: string;
      readonly data: string;
      readonly type?: string | undefined;
    }
  | { readonly kind: 'end'; readonly id: string; readonly at?: number }
  | {
      readonly kind: 'late';
      readonly id: string;
      readonly data: string;
      readonly type?: string | undefined;
      readonly late: LateRange;
    };

const FENCE = ': after ';
const END = /^: end (\S+)(?: (\d{1,15}))?$/;
const LATE = /^: late (\S+) (\d{1,15})-(\d{1,15})$/;
const TYPE_LINE = /^event: [A-Za-z0-9._-]{1,64}$/;
const AT = /^: at (\d{1,15})$/;
const [ID, DATA, WHOLE] = ['id: ', 'data: ', ': whole'] as const;

/** The own id that a fence names. Undefined if the line is not a fence. */
export function fencedAfter(line = ''): string | undefined {
  const id = line.startsWith(FENCE) ? line.slice(FENCE.length) : '';
  return isOwnId(id) ? id : undefined;
}

/** Reads the lines behind a fence. Undefined if they have none of our forms. */
export function formOf([, ...lines]: readonly string[]): Form | undefined {
  const [first = ''] = lines;
  if (first.startsWith(ID)) return messageForm(first.slice(ID.length), lines.slice(1));
  const [, id = '', at] = END.exec(first) ?? [];
  if (isEventId(id) && lines.length === 1) return { kind: 'end', id, ...(at !== undefined && { at: Number(at) }) };
  return lateForm(lines);
}

function messageForm(id: string, fields: readonly string[]): Form | undefined {
  const isTyped = fields.length === 2 && TYPE_LINE.test(fields[0]!);
  if (!isOwnId(id) || !(isTyped || fields.length === 1) || !fields.at(-1)!.startsWith(DATA)) return undefined;
  const { data = '', type } = foreignFields(fields);
  return { kind: 'message', id, data, type };
}

function lateForm([first = '', second = '', ...lines]: readonly string[]): Form | undefined {
  const [, piece = '', from, to] = LATE.exec(first) ?? [];
  const id = second.startsWith(ID) ? second.slice(ID.length) : '';
  const { data, type } = foreignFields([first, ...lines]); // a byte order mark is one at the head of the block only
  if (!isEventId(piece) || !isOwnId(id) || lines.at(-1) !== WHOLE || data === undefined) return undefined;
  const late = { piece, from: Number(from), to: Number(to) };
  return { kind: 'late', id, data, type, late };
}

/** An event of a merged piece. `at`: the time of foreign text, in Unix ms; own messages have none. */
export interface MergedEvent {
  readonly id: string;
  readonly data: string;
  readonly type?: string | undefined;
  readonly at?: number;
}

/** Reads a block of a merged piece. Undefined if it is not an event. */
export function mergedEventOf(lines: readonly string[]): MergedEvent | undefined {
  const [, at] = AT.exec(lines[0] ?? '') ?? [];
  const [idLine = '', ...fields] = at === undefined ? lines : lines.slice(1);
  const id = idLine.startsWith(ID) ? idLine.slice(ID.length) : '';
  const { data, type } = foreignFields(fields);
  if (!isEventId(id) || data === undefined) return undefined;
  return { id, data, type, ...(at !== undefined && { at: Number(at) }) };
}
