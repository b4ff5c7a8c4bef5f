import type { MailEvent } from '../mailbox-store.ts';
import { compareIds } from './event-id.ts';

const MAX_BYTES = 192 * 1024;

/** The newest events of a log, without a hole: what was just written need not be read back from disk. */
export class RecentEvents {
  #events: MailEvent[] = [];
  #after = '';
  #bytes = 0;

  /** Adds what was logged right after `after`. */
  add(after: string, events: readonly MailEvent[], bytes: number): void {
    if (this.#events.length === 0 || this.#bytes + bytes > MAX_BYTES) this.clear();
    if (events.length === 0 || bytes > MAX_BYTES) return;
    if (this.#events.length === 0) this.#after = after;
    this.#events.push(...events);
    this.#bytes += bytes;
  }

  /** To be called when something else was logged. */
  clear(): void {
    this.#events = [];
    this.#bytes = 0;
  }

  /** Events after `after` and up to `newest`; undefined when they do not all lie here. */
  read(after: string, newest: string, limit: number): MailEvent[] | undefined {
    if (this.#events.length === 0 || compareIds(after, this.#after) < 0) return undefined;
    const from = this.#events.findLastIndex(({ id }) => compareIds(id, after) <= 0) + 1;
    const events = this.#events.slice(from, from + limit);
    while (events.length > 0 && compareIds(events.at(-1)!.id, newest) > 0) events.pop();
    return events;
  }
}
