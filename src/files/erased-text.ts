/**
 * How a block looks without its text. It keeps its length, so that nothing else in the file moves:
 *
 *     data: {"sender":"jjeong","receiver":"henry","message":"a secret","time":"…","key":"…"}
 *     data: {"sender":"jjeong","receiver":"henry","message":"",        "time":"…","key":"…"}
 *
 * If the write is torn, the beginning and the end of our data are still right, so the frame counts, and is erased again.
 */
import { fieldsOf } from '../words/message-data.ts';

/** A line of data in a block. `at`: where its value begins. */
interface Line {
  readonly at: number;
  readonly value: string;
}

const DATA = /((?:^(?:\xef\xbb\xbf)?|[\r\n])\0*data(?:: ?|(?=[\r\n])))([^\r\n]*)/g;
const TEXT = ',"message":"';
const TIME = '"time":"';
/** What follows a text. It cannot be in one, where each quote has a backslash before it. */
const BEHIND_TEXT = /"(?:replyTo":"|files":\[|time":")/g;

/** The data of a block. Blocks are in latin1 here: a character for each byte. */
export function dataOf(block: string): string {
  const lines = linesOf(block).map(({ value }) => value);
  return Buffer.from(lines.join('\n'), 'latin1').toString('utf8');
}

/** An own message without its text. Without `isEdited`, it was removed, and loses its files, too. */
export function ourBlockWithoutText(block: string, isEdited: boolean): string {
  const [line] = linesOf(block);
  const from = line?.value.indexOf(TEXT) ?? -1;
  if (!line || from === -1) return block;
  const textAt = from + TEXT.length;
  const to = isEdited ? endOfText(line.value, textAt) : line.value.lastIndexOf(TIME);
  return to < textAt ? block : replaced(block, line.at + textAt, line.at + to, '",');
}

/** The same for foreign mail in our form, which may have any layout. Undefined if there is no room. */
export function foreignBlockWithoutText(block: string, isEdited: boolean): string | undefined {
  const lines = linesOf(block).toSorted((a, b) => b.value.length - a.value.length);
  const { replyTo, files, ...fields } = fieldsOf(dataOf(block));
  const kept = isEdited ? { ...fields, replyTo, files } : fields;
  const data = Buffer.from(JSON.stringify({ ...kept, message: '' })).toString('latin1');
  if (data.length > (lines[0]?.value.length ?? 0)) return undefined;
  const blank = lines.reduce((text, { at, value }) => replaced(text, at, at + value.length, ''), block);
  return replaced(blank, lines[0]!.at, lines[0]!.at + data.length, data);
}

function linesOf(block: string): Line[] {
  return Array.from(block.matchAll(DATA), ({ index, 1: head = '', 2: value = '' }) => ({
    at: index + head.length,
    value,
  }));
}

function endOfText(data: string, textAt: number): number {
  BEHIND_TEXT.lastIndex = textAt;
  return BEHIND_TEXT.exec(data)?.index ?? -1;
}

function replaced(text: string, from: number, to: number, by: string): string {
  return text.slice(0, from) + by.padEnd(to - from) + text.slice(to);
}
