import { idTime } from './event-id.ts';

const MAX_KEYS = 10_000;
/** So many more are let in before the oldest go, all at once: one at a time is slow. */
const SURPLUS = 1000;
const MIN_AGE_MS = 2 * 60 * 1000;
const MAX_AGE_MS = 24 * 60 * 60 * 1000;

/**
 * The idempotency keys of the newest events (as `scopedKey` makes them), each with the id of its event. Remembered are
 * the newest 10,000, for a day at most, and all of the last two minutes.
 */
export class RecentKeys {
  readonly #ids = new Map<string, string>();
  #most = MAX_KEYS + SURPLUS;

  get(key: string, now: number): string | undefined {
    const id = this.#ids.get(key);
    return id !== undefined && idTime(id) >= now - MAX_AGE_MS ? id : undefined;
  }

  /** Oldest first: the order of the calls is the order of forgetting. */
  set(key: string, id: string): void {
    this.#ids.set(key, id);
    if (this.#ids.size > this.#most) this.#forget(idTime(id));
  }

  #forget(now: number): void {
    for (const [key, id] of this.#ids) {
      if (this.#ids.size <= MAX_KEYS || idTime(id) > now - MIN_AGE_MS) break;
      this.#ids.delete(key);
    }
    this.#most = this.#ids.size + SURPLUS;
  }

  /** Whether an event with this id, so many events before the newest, may still be asked for. */
  static reaches(id: string, eventsAfter: number, now: number): boolean {
    const age = now - idTime(id);
    return age <= MAX_AGE_MS && (eventsAfter < MAX_KEYS || age <= MIN_AGE_MS);
  }
}
