import { idTime } from './event-id.ts';

const MAX_KEYS = 10_000;
const MIN_AGE_MS = 2 * 60 * 1000;
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * The idempotency keys of the newest events (as `scopedKey` makes them), each with the id of its event. Remembered are
 * the newest 10,000, for a day at most, and all of the last two minutes. They are forgotten by generations: one at a
 * time is slow.
 */
export class RecentKeys {
  #older = new Map<string, string>();
  #newer = new Map<string, string>();
  /** When the newest of the older generation was made. */
  #olderMs = 0;

  get(key: string, now: number): string | undefined {
    const id = this.#newer.get(key) ?? this.#older.get(key);
    return id !== undefined && idTime(id) >= now - MAX_AGE_MS ? id : undefined;
  }

  /** Oldest first: the order of the calls is the order of forgetting. */
  set(key: string, id: string): void {
    this.#newer.set(key, id);
    if (this.#newer.size < MAX_KEYS) return;
    const now = idTime(id);
    if (this.#olderMs > now - MIN_AGE_MS) return;
    this.#older = this.#newer;
    this.#newer = new Map();
    this.#olderMs = now;
  }

  /** Whether an event with this id, so many events before the newest, may still be asked for. */
  static reaches(id: string, eventsAfter: number, now: number): boolean {
    const age = now - idTime(id);
    return age <= MAX_AGE_MS && (eventsAfter < MAX_KEYS || age <= MIN_AGE_MS);
  }
}
