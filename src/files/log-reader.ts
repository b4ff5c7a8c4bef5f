import { existsSync } from 'node:fs';
import type { MailEvent } from '../mailbox-store.ts';
import { compareIds } from './event-id.ts';
import { eventsOf, type LogSegments, type ReadBatch } from './log-segments.ts';

/** What a reader needs to know of a log that is being written. */
export interface ReadableLog {
  /** The names of its segments, oldest first. */
  readonly segments: readonly string[];
  /** How many bytes of a segment may be read: those that are on disk. */
  readableEnd(segment: string): number;
  /** To be called when a segment is not there any more: another process has dropped it. */
  dropGone(): void;
}

interface Position {
  readonly segment: string;
  readonly offset: number;
}

const READ_BYTES = 64 * 1024;
const SEEK_BYTES = 64 * 1024;
const MAX_POSITIONS = 64;

/** Finds events in the segments of one log, by cursor. */
export class LogReader {
  readonly #files: LogSegments;
  readonly #log: ReadableLog;
  /** Where the batch after a cursor begins: whoever reads on, or comes back, need not search. */
  #positions: Map<string, Position> | undefined;

  constructor(files: LogSegments, log: ReadableLog) {
    this.#files = files;
    this.#log = log;
  }

  /** Events after a cursor, oldest first: about 64 KiB of them, or `limit`. */
  read(after: string, limit: number): MailEvent[] {
    const events: MailEvent[] = [];
    let bytesRead = 0;
    let position = this.#positions?.get(after) ?? this.#seek(after);
    let next: Position | undefined = position;
    while (next && events.length < limit && bytesRead < READ_BYTES) {
      const { segment, offset }: Position = next;
      let isEnd = true;
      for (const found of this.#files.batchesFrom(segment, offset, this.#log.readableEnd(segment))) {
        isEnd = false;
        if (events.length >= limit || bytesRead >= READ_BYTES) break;
        position = { segment, offset: found.batch.start };
        next = { segment, offset: found.batch.next };
        if (compareIds(found.batch.last, after) <= 0) continue;
        bytesRead += found.body.length;
        const inBatch = eventsOf(found);
        const from = inBatch.findIndex(({ id }) => compareIds(id, after) > 0);
        if (from === -1) continue;
        if (events.length === 0) this.#remember(after, position);
        events.push(...inBatch.slice(from));
      }
      if (isEnd) next = this.#beginningAfter(segment);
    }
    const isCut = events.length > limit;
    if (isCut) events.length = limit;
    // In the middle of a batch the next read begins with the same batch.
    if (events.length > 0) this.#remember(events.at(-1)!.id, isCut || !next ? position : next);
    return events;
  }

  /** Events before a cursor, newest first, at most `limit`, from one segment. `more`: where to go on. */
  readBack(before: string | undefined, limit: number): { events: MailEvent[]; more?: string } {
    const { segments } = this.#log;
    const events: MailEvent[] = [];
    const from = before === undefined ? segments.length - 1 : this.#segmentIndex(before);
    for (let i = from; i >= 0; i -= 1) {
      for (const found of this.#batches(segments[i]!).toReversed()) {
        for (const event of eventsOf(found).toReversed()) {
          if (before !== undefined && compareIds(event.id, before) >= 0) continue;
          if (events.length === limit) return { events, more: events.at(-1)!.id };
          events.push(event);
        }
      }
      if (events.length > 0 && i > 0) return { events, more: events.at(-1)!.id };
    }
    return { events };
  }

  /** The event with this id, if it is kept. */
  find(id: string): MailEvent | undefined {
    const index = this.#segmentIndex(id);
    for (const name of this.#log.segments.slice(Math.max(0, index - 1), index + 1)) {
      for (const found of this.#batches(name)) {
        const event = eventsOf(found).find((candidate) => candidate.id === id);
        if (event) return event;
      }
    }
    return undefined;
  }

  #remember(id: string, position: Position): void {
    const positions = (this.#positions ??= new Map());
    positions.set(id, position);
    if (positions.size > MAX_POSITIONS) positions.delete(positions.keys().next().value);
  }

  /** A batch shortly before the first event after `after`, found by halving: a batch says itself where it stands. */
  #seek(after: string): Position {
    const segment = this.#log.segments[this.#segmentIndex(after)]!;
    const end = Math.min(this.#log.readableEnd(segment), this.#files.size(segment));
    let from = 0;
    let to = end;
    while (to - from > SEEK_BYTES) {
      const middle = Math.floor((from + to) / 2);
      const found = this.#files.batchesFrom(segment, middle, end, SEEK_BYTES / 4).next().value?.batch;
      if (found && found.start < to && compareIds(found.last, after) <= 0) from = found.next;
      else to = middle;
    }
    return { segment, offset: from };
  }

  #segmentIndex(id: string): number {
    return Math.max(
      0,
      this.#log.segments.findLastIndex((name) => compareIds(name, id) <= 0),
    );
  }

  #beginningAfter(name: string): Position | undefined {
    if (!existsSync(this.#files.path(name))) this.#log.dropGone();
    const segment = this.#log.segments.find((candidate) => compareIds(candidate, name) > 0);
    return segment === undefined ? undefined : { segment, offset: 0 };
  }

  #batches(segment: string): ReadBatch[] {
    return this.#files.batches(segment, this.#log.readableEnd(segment));
  }
}
