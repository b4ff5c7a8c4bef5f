/**
 * How a batch of events stands in a log: a comment line, then the events.
 *
 *     : <offset> <bytes> <crc32> <ms> <last id> [<take>@<from>-<to> …] [end]
 *
 * It counts only if it stands whole at the offset it names; anything else in the log is void, for every reader, for
 * ever. So two writers that appended at once need no lock: one of them stands where it says, the other writes again.
 * `bytes` and `crc32` are of what follows the line (the checksum covers the line from <ms> on, too), `ms` is the time
 * of writing (without events, that of the newest events), `last id` the newest id up to and including this batch. A
 * take's bytes <from>-<to> are in this batch. `end` closes the segment.
 */
import { crc32 } from 'node:zlib';

export interface TakeRange {
  readonly take: string;
  readonly from: number;
  readonly to: number;
}

export interface BatchHead {
  readonly ms: number;
  readonly last: string;
  readonly ranges: readonly TakeRange[];
  readonly end: boolean;
}

/** A whole batch in a log. `start`, `body` and `next` are offsets in the file. */
export interface LoggedBatch extends BatchHead {
  readonly start: number;
  readonly body: number;
  readonly next: number;
}

const HEAD = /^: (\d+) (\d+) ([0-9a-f]{8}) ((\d+) (\S+)((?: [a-z0-9]+@\d+-\d+)*)( end)?)$/;
const RANGES = / ([a-z0-9]+)@(\d+)-(\d+)/g;
const MAX_HEAD_BYTES = 4 * 1024 * 1024; // tens of thousands of takes
const LF = 10;

export function encodeBatch(offset: number, head: BatchHead, body: string): Buffer {
  const ranges = head.ranges.map(({ take, from, to }) => ` ${take}@${from}-${to}`).join('');
  const facts = `${head.ms} ${head.last}${ranges}${head.end ? ' end' : ''}`;
  const bytes = Buffer.from(body);
  const checksum = crc32(bytes, crc32(facts)).toString(16).padStart(8, '0');
  return Buffer.concat([Buffer.from(`\n: ${offset} ${bytes.length} ${checksum} ${facts}\n`), bytes]);
}

/** The first whole batch at or after offset `from`, in `bytes` that begin at offset `base` of the log. */
export function findBatch(bytes: Buffer, base: number, from: number): LoggedBatch | undefined {
  for (let at = from - base; ; at += 1) {
    at = bytes.indexOf('\n: ', at);
    if (at === -1) return undefined;
    const batch = batchAt(bytes, base, at);
    if (batch) return batch;
  }
}

function batchAt(bytes: Buffer, base: number, at: number): LoggedBatch | undefined {
  const lineEnd = bytes.subarray(at + 1, at + MAX_HEAD_BYTES).indexOf(LF) + at + 1;
  if (lineEnd === at) return undefined;
  const match = HEAD.exec(bytes.toString('latin1', at + 1, lineEnd));
  if (!match || Number(match[1]) !== base + at) return undefined;

  const body = lineEnd + 1;
  const next = body + Number(match[2]);
  if (next > bytes.length) return undefined;
  if (crc32(bytes.subarray(body, next), crc32(match[4]!)) !== Number.parseInt(match[3]!, 16)) return undefined;
  return {
    start: base + at,
    body: base + body,
    next: base + next,
    ms: Number(match[5]),
    last: match[6]!,
    ranges: Array.from(match[7]!.matchAll(RANGES), ([, take, from, to]) => ({
      take: take!,
      from: Number(from),
      to: Number(to),
    })),
    end: match[8] !== undefined,
  };
}
