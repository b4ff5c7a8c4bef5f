import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isErrno } from '../mailbox-error.ts';
import type { MailEvent } from '../mailbox-store.ts';
import {
  APPEND_OR_CREATE,
  READ,
  borrowRange,
  ifThere,
  makeDirectory,
  namesIn,
  readRange,
  sizeOf,
  syncDirectoryAsync,
  DIRECTORY_MODE,
  withFile,
} from './disk.ts';
import { parseFrames } from './event-frame.ts';
import { compareIds, isEventId } from './event-id.ts';
import { findBatch, type LoggedBatch } from './log-batch.ts';
import { SEGMENT_ENDING as ENDING, type MailboxPaths } from './mailbox-paths.ts';

const CHUNK_BYTES = 128 * 1024;

/** A batch with the bytes of its events. */
export interface ReadBatch {
  readonly batch: LoggedBatch;
  readonly body: Buffer;
}

/** The files of one log, `0-0.log`, `1763600000000-0.log`, …: each named by the id that its events come after. */
export class LogSegments {
  readonly #paths: Pick<MailboxPaths, 'log'>;

  constructor(paths: Pick<MailboxPaths, 'log'>) {
    this.#paths = paths;
  }

  /** Their names, oldest first. */
  list(): string[] {
    if (!existsSync(this.#paths.log)) return []; // most mailboxes have no log: cheaper than an error
    return namesIn(this.#paths.log)
      .filter((name) => name.endsWith(ENDING) && isEventId(name.slice(0, -ENDING.length)))
      .map((name) => name.slice(0, -ENDING.length))
      .toSorted(compareIds);
  }

  /** Makes an empty segment unless it is there, durably. */
  async make(name: string): Promise<void> {
    const made = await mkdir(this.#paths.log, { mode: DIRECTORY_MODE }).then(
      () => true,
      (error: unknown) => {
        if (isErrno(error, 'EEXIST')) return false;
        if (!isErrno(error, 'ENOENT')) throw error;
        makeDirectory(this.#paths.log); // the first log of all
        return false;
      },
    );
    withFile(this.path(name), APPEND_OR_CREATE, () => undefined);
    await Promise.all([syncDirectoryAsync(this.#paths.log), made && syncDirectoryAsync(dirname(this.#paths.log))]);
  }

  size(name: string): number {
    return this.#read(name, sizeOf) ?? 0;
  }

  /** The whole batches up to an offset; none when the segment is gone. */
  batches(name: string, upTo: number): ReadBatch[] {
    const bytes = this.#read(name, (fd) => readRange(fd, 0, Math.min(upTo, sizeOf(fd))));
    return bytes ? [...batchesIn(bytes, 0)] : [];
  }

  /**
   * Whole batches from an offset on, about 128 KiB of them; none when there are none before `upTo`, or no such segment.
   * Their bytes are good only until anything else is read.
   */
  *batchesFrom(name: string, offset: number, upTo: number, chunkBytes = CHUNK_BYTES): Generator<ReadBatch, undefined> {
    for (let length = chunkBytes; ; length *= 4) {
      const chunk = this.#read(name, (fd) => {
        const end = Math.min(upTo, sizeOf(fd));
        return { bytes: borrowRange(fd, offset, Math.min(offset + length, end)), isLast: offset + length >= end };
      });
      if (!chunk) return;
      let isFound = false;
      for (const found of batchesIn(chunk.bytes, offset)) {
        isFound = true;
        yield found;
      }
      if (isFound || chunk.isLast) return;
    }
  }

  #read<T>(name: string, work: (fd: number) => T): T | undefined {
    return ifThere(() => withFile(this.path(name), READ, work));
  }

  path(name: string): string {
    return `${this.#paths.log}/${name}${ENDING}`;
  }
}

/** The whole batches in bytes that begin at offset `base` of a segment, up to its end batch. */
export function* batchesIn(bytes: Buffer, base: number): Generator<ReadBatch, undefined> {
  for (let batch = findBatch(bytes, base, base); batch; batch = findBatch(bytes, base, batch.next)) {
    yield { batch, body: bytes.subarray(batch.body - base, batch.next - base) };
    if (batch.end) return;
  }
}

export function eventsOf({ batch, body }: ReadBatch): MailEvent[] {
  return parseFrames(body.toString('utf8'), batch.ms);
}
