// Prints a mailbox with all that was received, and is kept: node read-log.mjs mailboxes henry
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { readMail } from './read.mjs';

const NAME = /^([\d.-]+)_([\d.-]+?)(?:_(\d+))?(?:_(\d+))?\.(?:txt|log)$/;
const [, , dir, mailbox] = process.argv;

const pieces = ['.delivered', '.taken']
  .map((place) => `${dir}/${place}/${mailbox}`)
  .filter((place) => existsSync(place))
  .flatMap((place) => readdirSync(place).map((file) => [`${place}/${file}`, NAME.exec(file)]))
  .filter(([, match]) => match)
  .map(([path, [, start, end, from, to]]) => ({ path, start, end, from, to }))
  .toSorted((a, b) => compare(a.start, b.start));
const waiting = { path: `${dir}/${mailbox}.txt`, start: pieces.at(-1)?.end };
for (const { path, start, from = 0, to } of existsSync(waiting.path) ? [...pieces, waiting] : pieces) {
  const bytes = readFileSync(path).subarray(Number(from), to && Number(to));
  const events = path.endsWith('.log')
    ? readMerged(bytes, start)
    : readMail(bytes, mailbox, start ?? firstFence(bytes));
  for (const event of events) console.log(JSON.stringify(event));
}

/** A merged piece has no fences: each id that is above the one before it counts. */
function* readMerged(bytes, start) {
  let last = start;
  for (const block of bytes.toString().split(/\n\n+/)) {
    const [, id, type, fields] =
      /^(?:: at \d+\n)?id: ([\d.-]+)\n(?:event: (.*)\n)?((?:data: .*\n?)+)$/.exec(block) ?? [];
    if (!id || compare(id, last) <= 0) continue;
    const data = fields.replace(/^data: /gm, '').replace(/\n$/, '');
    yield { id: (last = id), ...(type && { type }), data };
  }
}

/** What a mailbox begins after whose log was deleted, or that never had one. */
function firstFence(bytes) {
  return /(?:^|\n\n): after (\d+-\d+)\n/.exec(bytes.toString('latin1'))?.[1] ?? '0-0';
}

function compare(id, other) {
  const [[a, b, c = 0], [x, y, z = 0]] = [id, other].map((text) => text.split(/[-.]/).map(Number));
  return a - x || b - y || c - z;
}
