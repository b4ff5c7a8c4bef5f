/** Shows bytes as text. Line ends, control characters and bytes that are not UTF-8 become marks in the text. */
import { element } from '../js/elements.js';

const LF = 10;
const CR = 13;
const DEL = 127;
/** Characters that are invisible or change the order of others. */
const UNSEEN = /[\u0080-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/u;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** @param {string} base64 */
export const fromBase64 = (base64) => Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));

/** Runs of text and marks, in order. @param {Uint8Array} bytes @returns {{ text: string, isMark: boolean }[]} */
export function runsOf(bytes) {
  /** @type {{ text: string, isMark: boolean }[]} */
  const runs = [];
  const add = (/** @type {string} */ text, /** @type {boolean} */ isMark) => {
    const last = runs.at(-1);
    if (last?.isMark === isMark) last.text += text;
    else runs.push({ text, isMark });
  };
  for (let at = 0; at < bytes.length;) {
    const byte = bytes[at] ?? 0;
    const length = lengthOf(byte);
    const character = length === 1 && byte > DEL ? undefined : decode(bytes.subarray(at, at + length));
    if (character === undefined) {
      add(hex(byte), true);
      at += 1;
      continue;
    }
    if (byte < 32 || byte === DEL) add(control(byte), true);
    else if (UNSEEN.test(character)) add(`\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`, true);
    else add(character, false);
    // Lines break where they do in the file: after LF, CRLF or CR.
    if (byte === LF || (byte === CR && bytes[at + 1] !== LF)) add('\n', false);
    at += length;
  }
  return runs;
}

/** @type {Record<number, string>} */
const NAMED = { 0: '\\0', 9: '\\t', [LF]: '\\n', [CR]: '\\r' };

/** @param {number} byte */
const control = (byte) => NAMED[byte] ?? hex(byte);

/** @param {number} byte */
const hex = (byte) => `\\x${byte.toString(16).padStart(2, '0')}`;

/** How many bytes a character has that begins with this byte. @param {number} byte */
function lengthOf(byte) {
  if (byte >= 0xf0) return 4;
  if (byte >= 0xe0) return 3;
  return byte >= 0xc0 ? 2 : 1;
}

/** @param {Uint8Array} bytes */
function decode(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** @param {Span} span */
export function showBytes({ bytes, last }) {
  const shown = element('pre', { dir: 'ltr' }, ...runsOf(fromBase64(bytes)).map(show));
  if (last) shown.append(element('span', { class: 'left-out' }, ' … '), ...runsOf(fromBase64(last)).map(show));
  return shown;
}

/** @param {{ text: string, isMark: boolean }} run */
const show = ({ text, isMark }) => (isMark ? element('span', { class: 'mark' }, text) : text);
