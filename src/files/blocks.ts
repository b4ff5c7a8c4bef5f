import { isForeignType } from '../words/event-type.ts';

export const LF = 10;
export const CR = 13;
const BOM = [0xef, 0xbb, 0xbf];
const DATA = [...Buffer.from('data')];
const COLON = 58;
const TORN = ': torn';
const BOM_CHARACTER = '\ufeff';
/** In text that was decoded as latin1. */
export const BOM_BYTES = '\xef\xbb\xbf';

/** A run of lines up to a blank line. CR, LF and CRLF each end a line [sse]. Offsets are in the bytes scanned. */
export class Block {
  from = 0;
  /** Where its last line ends. */
  to = 0;
  /** Where its blank line ends. If that is a CR, a LF that follows counts as one more blank line. */
  end = 0;
  hasData = false;
  isTorn = false;

  /** Reads the block whose first line begins at `from`. False if its blank line has not come yet. */
  scan(bytes: Buffer, from: number): boolean {
    this.hasData = false;
    const { length } = bytes;
    let lastLine = from;
    for (let line = from, i = from; i < length; i += 1) {
      const byte = bytes[i];
      if (byte !== LF && byte !== CR) continue;
      if (i === line) {
        this.from = from;
        this.to = line;
        this.end = i + 1;
        this.isTorn = isTornLine(bytes, lastLine);
        return true;
      }
      if (!this.hasData) this.hasData = isDataLine(bytes, line === from && isAt(bytes, from, BOM) ? from + 3 : line);
      if (byte === CR && bytes[i + 1] === LF) i += 1;
      lastLine = line;
      line = i + 1;
    }
    return false;
  }
}

/** Where the first line that is not blank begins. */
export function behindBlankLines(bytes: Buffer, from: number): number {
  let at = from;
  while (bytes[at] === LF || bytes[at] === CR) at += 1;
  return at;
}

/** Where a block that began in earlier bytes ends. Undefined if its blank line has not come yet. */
export function endOfLongBlock(bytes: Buffer): number | undefined {
  for (let i = 0; i < bytes.length; i += 1) {
    if (bytes[i] !== LF && bytes[i] !== CR) continue;
    const next = bytes[i] === CR && bytes[i + 1] === LF ? i + 2 : i + 1;
    if (bytes[next] === LF || bytes[next] === CR) return next + 1;
    i = next - 1;
  }
  return undefined;
}

/** The lines of a block, each with its line end. */
export function textOf(bytes: Buffer, { from, to }: Block): string {
  return bytes.toString('utf8', from, to);
}

/** The data and type of a foreign event. Skips `id`, `retry` and a byte order mark [sse]. */
export function foreignFields(text: string): { data?: string; type?: string | undefined } {
  const data: string[] = [];
  let type = '';
  eachField(text, BOM_CHARACTER, (name, line) => {
    const value = line.slice(valueAt(name, line));
    if (name === 'data') data.push(value);
    else type = value;
  });
  return data.length === 0 ? {} : { data: data.join('\n'), type: isForeignType(type) ? type : undefined };
}

/**
 * Calls `found` with each line of data, each line with a type, and where it begins. Skips a byte order mark at the head of
 * the text, and NULs before a line: UTF-16 text ends one with LF and NUL. An event may have hundreds of thousands of lines,
 * so this uses no regular expression.
 */
export function eachField(
  text: string,
  bom: string,
  found: (name: 'data' | 'event', line: string, at: number) => void,
): void {
  let to: number;
  for (let from = text.startsWith(bom) ? bom.length : 0; from < text.length; from = to + 1) {
    while (text.charCodeAt(from) === 0) from += 1;
    for (to = from; to < text.length && !isLineEnd(text.charCodeAt(to));) to += 1;
    const name = text[from] === 'd' ? 'data' : 'event';
    const isField = text.startsWith(name, from) && (to === from + name.length || text[from + name.length] === ':');
    if (isField) found(name, text.slice(from, to), from);
  }
}

/** Where the value of a field begins in its line; behind the end if it has none. */
export function valueAt(name: string, line: string): number {
  return line[name.length + 1] === ' ' ? name.length + 2 : name.length + 1;
}

function isLineEnd(code: number): boolean {
  return code === LF || code === CR;
}

function isAt(bytes: Buffer, at: number, expected: readonly number[]): boolean {
  return expected.every((byte, i) => bytes[at + i] === byte);
}

function isDataLine(bytes: Buffer, from: number): boolean {
  let at = from;
  while (bytes[at] === 0) at += 1;
  if (bytes[at] !== DATA[0] || !isAt(bytes, at, DATA)) return false;
  const next = bytes[at + DATA.length];
  return next === COLON || next === LF || next === CR;
}

function isTornLine(bytes: Buffer, at: number): boolean {
  if (bytes[at] !== COLON || bytes.toString('latin1', at, at + TORN.length) !== TORN) return false;
  const next = bytes[at + TORN.length];
  return next === LF || next === CR;
}
