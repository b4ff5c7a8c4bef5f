/** Mail as the product leaves it in a mailbox: two line feeds, `id`, one line of JSON, a blank line. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { textOf } from './generator/ledger.mjs';

const FRAMES_AT_ONCE = 5000;

/**
 * Writes a mailbox file with `count` messages of 100 bytes from one sender, the last of them written just now.
 * @param {string} path @param {string} receiver @param {string} sender @param {number} count @param {number} everyMs
 */
export function writeMailbox(path, receiver, sender, count, everyMs) {
  const begun = Date.now() - count * everyMs;
  const fd = openSync(path, 'w', 0o600);
  for (let from = 0; from < count; from += FRAMES_AT_ONCE) {
    const length = Math.min(FRAMES_AT_ONCE, count - from);
    const frames = Array.from({ length }, (_, i) => frame(receiver, sender, from + i, begun + (from + i) * everyMs));
    writeSync(fd, frames.join(''));
  }
  closeSync(fd);
}

/** @param {string} receiver @param {string} sender @param {number} number @param {number} ms */
function frame(receiver, sender, number, ms) {
  const key = `${sender}.${number}`;
  const data = JSON.stringify({ sender, receiver, message: textOf(key), time: new Date(ms).toISOString(), key });
  return `\n\nid: ${ms}-0\ndata: ${data}\n\n`;
}
