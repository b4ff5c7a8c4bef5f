import type { MailEvent } from '../words/mailbox-store.ts';
import { compareIds } from './event-id.ts';

const MAX_BYTES = 384 * 1024;
const READ_BYTES = 64 * 1024;

interface RecentBatch {
  readonly after: string;
  readonly events: readonly MailEvent[];
  readonly bytes: number;
}

/** The newest events of a log, without a gap, so that listeners need not read them from disk. */
export class RecentEvents {
  readonly #batches: RecentBatch[] = [];
  #bytes = 0;

  /** Adds the events that follow `after`. Drops the oldest beyond 384 KiB. */
  add(after: string, events: readonly MailEvent[], bytes: number): void {
    if (events.length === 0) return;
    this.#batches.push({ after, events, bytes });
    this.#bytes += bytes;
    while (this.#bytes > MAX_BYTES) this.#bytes -= this.#batches.shift()!.bytes;
  }

  /** Events after `after` and up to `newest`: about 64 KiB, at most `limit`. Undefined if the first of them are not here. */
  read(after: string, newest: string, limit: number): MailEvent[] | undefined {
    const from = this.#batches.findLastIndex((batch) => compareIds(batch.after, after) <= 0);
    if (from === -1) return undefined;
    const events: MailEvent[] = [];
    let bytes = 0;
    for (const batch of this.#batches.slice(from)) {
      const asked = batch.events.filter(({ id }) => compareIds(id, after) > 0 && compareIds(id, newest) <= 0);
      events.push(...asked.slice(0, limit - events.length));
      bytes += batch.bytes;
      if (events.length === limit || (events.length > 0 && bytes >= READ_BYTES)) break;
    }
    return events;
  }
}
