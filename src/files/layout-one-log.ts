/**
 * The log of layout 1: segments `0-0.log`, `1763600000000-0.log`, …, each named by the id that its events come after. A
 * segment holds batches: a comment line, then events.
 *
 *     : <offset> <bytes> <crc32> <ms> <last id> [<take>@<from>-<to> …] [end]
 *
 * A batch counts only if it is whole, at the offset that it names. `bytes` is the size of what follows the line, and `crc32`
 * its checksum, together with the line from <ms> on. `ms` is the time of writing. The batch holds a take's bytes <from>-<to>.
 */
import { crc32 } from 'node:zlib';
import { READ, namesIn, readRange, sizeOf, withFile } from './disk.ts';
import { compareIds, isEventId, isForeignId } from './event-id.ts';
import { mergedEventOf, type MergedEvent } from './frame-forms.ts';

const ENDING = '.log';
const HEAD = /^: (\d+) (\d+) ([0-9a-f]{8}) ((\d+) (\S+)((?: [a-z0-9]+@\d+-\d+)*)( end)?)$/;
const RANGES = / ([a-z0-9]+)@\d+-(\d+)/g;
const MAX_HEAD_BYTES = 4 * 1024 * 1024; // tens of thousands of takes
const LF = 10;

/** Events that were logged together. `takes`: how far each take is in the log since then. */
interface OldBatch {
  readonly events: readonly MergedEvent[];
  readonly takes: readonly (readonly [take: string, to: number])[];
}

/** The names of a log's segments without their ending, oldest first. */
export function oldSegments(log: string): string[] {
  return namesIn(log)
    .filter((name) => name.endsWith(ENDING))
    .map((name) => name.slice(0, -ENDING.length))
    .filter(isEventId)
    .toSorted(compareIds);
}

export function* batchesOf(log: string, segment: string): Generator<OldBatch> {
  const bytes = withFile(`${log}/${segment}${ENDING}`, READ, (fd) => readRange(fd, 0, sizeOf(fd)));
  for (let at = 0; ;) {
    at = bytes.indexOf('\n: ', at);
    if (at === -1) return;
    const found = batchAt(bytes, at);
    if (found) yield found.batch;
    at = found?.next ?? at + 1;
    if (found?.isLast) return;
  }
}

function batchAt(bytes: Buffer, at: number): { batch: OldBatch; next: number; isLast: boolean } | undefined {
  const lineEnd = bytes.subarray(at + 1, at + MAX_HEAD_BYTES).indexOf(LF) + at + 1;
  if (lineEnd === at) return undefined;
  const match = HEAD.exec(bytes.toString('latin1', at + 1, lineEnd));
  if (!match || Number(match[1]) !== at) return undefined;

  const body = lineEnd + 1;
  const next = body + Number(match[2]);
  if (next > bytes.length) return undefined;
  if (crc32(bytes.subarray(body, next), crc32(match[4]!)) !== Number.parseInt(match[3]!, 16)) return undefined;
  const ms = Number(match[5]);
  const takes = Array.from(match[7]!.matchAll(RANGES), ([, take, to]) => [take!, Number(to)] as const);
  return {
    batch: { takes, events: eventsIn(bytes.toString('utf8', body, next), ms) },
    next,
    isLast: Boolean(match[8]),
  };
}

/** Foreign mail gets the time of its batch. */
function eventsIn(text: string, ms: number): MergedEvent[] {
  const events = text.split('\n\n').flatMap((block) => mergedEventOf(block) ?? []);
  return events.map((event) => (isForeignId(event.id) ? { ...event, at: ms } : event));
}
