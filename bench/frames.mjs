/** Makes mail as the product writes it: two line feeds, the id before it, its id, one line of JSON, a blank line. */
import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { textOf } from './generator/ledger.mjs';

const FRAMES_AT_ONCE = 5000;

/**
 * Writes a mailbox file with `count` messages of 100 bytes from one sender, the last of them written just now.
 * @param {string} path @param {string} receiver @param {string} sender @param {number} count @param {number} everyMs
 */
export function writeMailbox(path, receiver, sender, count, everyMs) {
  writeFileSync(join(dirname(path), '.layout'), '2\n', { mode: 0o600 });
  const begun = Date.now() - count * everyMs;
  const fd = openSync(path, 'w', 0o600);
  for (let from = 0; from < count; from += FRAMES_AT_ONCE) {
    const length = Math.min(FRAMES_AT_ONCE, count - from);
    const frames = Array.from({ length }, (_, i) => frame(receiver, sender, from + i, begun, everyMs));
    writeSync(fd, frames.join(''));
  }
  closeSync(fd);
}

/**
 * @param {string} receiver @param {string} sender @param {number} number @param {number} begun @param {number} everyMs
 */
function frame(receiver, sender, number, begun, everyMs) {
  const ms = begun + number * everyMs;
  const after = number === 0 ? '0-0' : `${ms - everyMs}-0`;
  const key = `${sender}.${number}`;
  const data = JSON.stringify({ sender, receiver, message: textOf(key), time: new Date(ms).toISOString(), key });
  return `\n\n: after ${after}\nid: ${ms}-0\ndata: ${data}\n\n`;
}
