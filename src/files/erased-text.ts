/**
 * How a block looks without its text. It keeps its length, so that nothing else in the file moves:
 *
 *     data: {"sender":"jjeong","receiver":"henry","message":"a secret","time":"…","key":"…"}
 *     data: {"sender":"jjeong","receiver":"henry","message":"",        "time":"…","key":"…"}
 *
 * If the write is torn, the beginning and the end of our data are still right, so the frame counts, and is erased again.
 */
import { BOM_BYTES, eachField, valueAt } from './blocks.ts';
import { fieldsOf } from '../words/message-data.ts';

/** A line of data in a block. `at`: where its value begins. */
interface Line {
  readonly at: number;
  readonly value: string;
}

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

/** The same for foreign mail in our form with this `data`, which may have any layout. Undefined if there is no room. */
export function foreignBlockWithoutText(block: string, data: string, isEdited: boolean): string | undefined {
  const lines = linesOf(block);
  const longest = lines.reduce((a, b) => (b.value.length > a.value.length ? b : a), { at: 0, value: '' });
  const { replyTo, files, ...fields } = fieldsOf(data);
  const kept = isEdited ? { ...fields, replyTo, files } : fields;
  const json = Buffer.from(JSON.stringify('message' in kept ? { ...kept, message: '' } : kept)); // a removal has no text
  if (json.length > longest.value.length) return undefined;
  const bytes = Buffer.from(block, 'latin1'); // there may be too many lines to cut a text at each
  for (const { at, value } of lines) if (value !== '') bytes.fill(' ', at, at + value.length);
  bytes.set(json, longest.at);
  return bytes.toString('latin1');
}

function linesOf(block: string): Line[] {
  const lines: Line[] = [];
  eachField(block, BOM_BYTES, (name, line, at) => {
    const from = valueAt(name, line);
    if (name === 'data') lines.push({ at: at + from, value: line.slice(from) });
  });
  return lines;
}

function endOfText(data: string, textAt: number): number {
  BEHIND_TEXT.lastIndex = textAt;
  return BEHIND_TEXT.exec(data)?.index ?? -1;
}

function replaced(text: string, from: number, to: number, by: string): string {
  return text.slice(0, from) + by.padEnd(to - from) + text.slice(to);
}
