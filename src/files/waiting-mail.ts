import { fstatSync, type Stats } from 'node:fs';
import type { MailEvent } from '../mailbox-store.ts';
import { borrowRange, readRange } from './disk.ts';
import { MAX_EVENT_BYTES, TOO_LONG, ownFramesAtHead, parseBlock, splitBlocks, type Parsed } from './event-frame.ts';
import { FIRST_ID, idTime, laterId } from './event-id.ts';
import { RecentKeys } from './recent-keys.ts';

/** A stretch of mail and what it says. `from`/`end` are offsets in its file; stretches follow without a hole. */
export interface Stretch {
  readonly from: number;
  readonly end: number;
  readonly parsed: Parsed;
}

const CHUNK_BYTES = 256 * 1024;
const SEARCH_BYTES = 64 * 1024;
const BLANK_LINE = /\r\n(?:\r\n|\r|\n)|\n(?:\r\n|\r|\n)|\r(?!\n)\r/;

interface Stretches {
  readonly stretches: Stretch[];
  /** Where unfinished text begins. */
  readonly end: number;
}

/**
 * Whole events in the bytes from..to of a file: 256 KiB of it, as what is read must stay in memory until it is logged;
 * up to 2 MiB where one event is longer.
 */
export function readStretches(fd: number, from: number, to: number, now: number): Stretches {
  const latest = Math.max(now, fstatSync(fd).mtimeMs); // what was written before the clock was set back is still ours
  const first = stretchesIn(borrowRange(fd, from, Math.min(to, from + CHUNK_BYTES)), from, latest);
  if (first.end > from || to - from <= CHUNK_BYTES) return first;

  const more = stretchesIn(readRange(fd, from, Math.min(to, from + 2 * MAX_EVENT_BYTES)), from, latest);
  if (more.end > from || to - from <= MAX_EVENT_BYTES) return more;
  const end = endOfBlock(fd, from, to);
  return end === undefined ? more : { stretches: [{ from, end, parsed: TOO_LONG }], end };
}

/** `base`: the offset of `bytes` in their file. */
export function stretchesIn(bytes: Buffer, base: number, now: number): Stretches {
  const stretches: Stretch[] = [];
  let from = base;
  const add = (end: number, parsed: Parsed): void => {
    stretches.push({ from, end, parsed });
    from = end;
  };
  for (const { end, parsed } of ownFramesAtHead(bytes, now)) add(base + end, parsed);

  const others = bytes.subarray(from - base);
  const othersAt = from;
  const { blocks, rest } = splitBlocks(others);
  const end = othersAt + rest;
  for (const block of blocks) {
    const parsed = parseBlock(others.subarray(block.from, block.to), now);
    add(block === blocks.at(-1) ? end : othersAt + block.end, parsed);
  }
  if (from < end) add(end, { kind: 'nothing' });
  return { stretches, end };
}

/** Where a block too long to hold in memory ends, if it does. */
function endOfBlock(fd: number, from: number, size: number): number | undefined {
  const overlap = 3;
  for (let at = from; at < size; at += SEARCH_BYTES) {
    const text = borrowRange(fd, Math.max(from, at - overlap), Math.min(size, at + SEARCH_BYTES)).toString('latin1');
    const match = BLANK_LINE.exec(text);
    if (match) return Math.max(from, at - overlap) + match.index + match[0].length;
  }
  return undefined;
}

/** What is known of the mail that waits in one mailbox file: read once, then only what has been appended since. */
export class WaitingMail {
  #ino: number | undefined;
  #readTo = 0;
  /** Events, whoever wrote them. */
  count = 0;
  last = FIRST_ID;
  keys = new RecentKeys();

  /** Reads on to the end of the file; from its beginning when it is another file than before, or was cut short. */
  readOn(fd: number, { ino, size }: Stats, now: number): void {
    if (ino !== this.#ino || size < this.#readTo) {
      this.#ino = ino;
      this.#readTo = 0;
      this.count = 0;
      this.last = FIRST_ID;
      this.keys = new RecentKeys();
    }
    while (this.#readTo < size) {
      const { stretches, end } = readStretches(fd, this.#readTo, size, now);
      for (const { parsed } of stretches) {
        if (parsed.kind === 'own' || parsed.kind === 'foreign') this.count += 1;
        if (parsed.kind !== 'own') continue;
        this.last = laterId(this.last, parsed.id);
        this.keys.set(parsed.key, parsed.id);
      }
      if (end === this.#readTo) return;
      this.#readTo = end;
    }
  }
}

/** Our own events among the last `bytes` of a mailbox file, oldest first. Foreign mail has no id before it is logged. */
export function ownEventsIn(fd: number, size: number, bytes: number, now: number): MailEvent[] {
  const from = Math.max(0, size - bytes);
  const events: MailEvent[] = [];
  for (let at = from; at < size;) {
    const { stretches, end } = readStretches(fd, at, size, now);
    for (const { parsed } of stretches) {
      if (parsed.kind === 'own') events.push({ id: parsed.id, time: idTime(parsed.id), data: parsed.data });
    }
    if (end === at) break;
    at = end;
  }
  return events;
}
