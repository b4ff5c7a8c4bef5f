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
const [ID, DATA] = ['id: ', 'data: '] as const;
const WHOLE = /[\r\n]: whole[\r\n]+$/;
const LINE_END = /\r\n|\r|\n/;
/** More lines than a message frame has. Only late frames may have more. */
const HEAD_LINES = 5;

/** The own id that the fence names with which a block begins. Undefined if it begins with another line. */
export function fencedAfter(text: string): string | undefined {
  const [line = ''] = text.split(LINE_END, 1);
  const id = line.startsWith(FENCE) ? line.slice(FENCE.length) : '';
  return isOwnId(id) ? id : undefined;
}

/** Reads a block that begins with a fence. Undefined if it has none of our forms. */
export function formOf(text: string): Form | undefined {
  const [, first = '', ...lines] = headOf(text);
  if (first.startsWith(ID)) return messageForm(first.slice(ID.length), lines, text);
  const [, id = '', at] = END.exec(first) ?? [];
  if (isEventId(id) && lines.length === 0) return { kind: 'end', id, ...(at !== undefined && { at: Number(at) }) };
  return lateForm(first, lines[0] ?? '', text);
}

/** Its first lines. */
function headOf(text: string): string[] {
  const lines = text.split(LINE_END, HEAD_LINES);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}

function messageForm(id: string, fields: readonly string[], text: string): Form | undefined {
  const isTyped = fields.length === 2 && TYPE_LINE.test(fields[0]!);
  if (!isOwnId(id) || !(isTyped || fields.length === 1) || !fields.at(-1)!.startsWith(DATA)) return undefined;
  const { data = '', type } = foreignFields(text);
  return { kind: 'message', id, data, type };
}

function lateForm(first: string, second: string, text: string): Form | undefined {
  const [, piece = '', from, to] = LATE.exec(first) ?? [];
  const id = second.startsWith(ID) ? second.slice(ID.length) : '';
  if (!isEventId(piece) || !isOwnId(id) || !WHOLE.test(text)) return undefined;
  const { data, type } = foreignFields(text);
  if (data === undefined) return undefined;
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
export function mergedEventOf(text: string): MergedEvent | undefined {
  const [first = '', second = ''] = headOf(text);
  const [, at] = AT.exec(first) ?? [];
  const idLine = at === undefined ? first : second;
  const id = idLine.startsWith(ID) ? idLine.slice(ID.length) : '';
  const { data, type } = foreignFields(text);
  if (!isEventId(id) || data === undefined) return undefined;
  return { id, data, type, ...(at !== undefined && { at: Number(at) }) };
}
