import { readFileSync, readdirSync } from 'node:fs';

const DIR = new URL('../../test/format/', import.meta.url);

/**
 * All vectors of test/format: the bytes of a file, and the events that they are. `mailbox` and `start` are what a reader
 * has to know besides: whose mailbox it is, and the id that the file begins after.
 */
export function vectors() {
  return readdirSync(DIR)
    .filter((file) => file.endsWith('.json'))
    .flatMap((file) => {
      const { vectors } = JSON.parse(readFileSync(new URL(file, DIR), 'utf8'));
      return vectors.map(({ name, mailbox = 'henry', start = '0-0', bytes, events }) => ({
        name: `${file}: ${name}`,
        mailbox,
        start,
        // Some are long: together they would take much memory.
        get bytes() {
          return bytesOf(bytes);
        },
        get events() {
          return events.map(({ id, type, data }) => ({
            id,
            ...(type !== undefined && { type: textOf(type) }),
            data: textOf(data),
          }));
        },
      }));
    });
}

function textOf(text) {
  return bytesOf(text).toString();
}

/** From a text, from base64, or from pieces, some of them repeated. */
function bytesOf(text) {
  if (typeof text === 'string') return Buffer.from(text);
  if (Array.isArray(text)) return Buffer.concat(text.map(bytesOf));
  if ('base64' in text) return Buffer.from(text.base64, 'base64');
  return Buffer.from(text.repeat.repeat(text.times));
}
