const MAX_KEYS = 10_000;
export const MIN_AGE_MS = 2 * 60 * 1000;
export const MAX_AGE_MS = 24 * 60 * 60 * 1000;

interface Kept {
  readonly id: string;
  readonly ms: number;
}

/**
 * The idempotency keys of the newest events (as `scopedKey` makes them), each with the id of its event. Remembered are
 * the newest 10,000, for a day at most, and all of the last two minutes. They are forgotten by generations: one at a
 * time is slow. Times are those of a clock that only rises: no setting of the computer's clock makes a key forgotten.
 */
export class RecentKeys {
  #older = new Map<string, Kept>();
  #newer = new Map<string, Kept>();
  /** When the newest of the older generation was made. */
  #olderMs = -Infinity;

  get(key: string, uptimeMs: number): string | undefined {
    const kept = this.#newer.get(key) ?? this.#older.get(key);
    return kept && kept.ms >= uptimeMs - MAX_AGE_MS ? kept.id : undefined;
  }

  /** Oldest first: the order of the calls is the order of forgetting. */
  set(key: string, id: string, uptimeMs: number): void {
    this.#newer.set(key, { id, ms: uptimeMs });
    if (this.#newer.size < MAX_KEYS || this.#olderMs > uptimeMs - MIN_AGE_MS) return;
    this.#older = this.#newer;
    this.#newer = new Map();
    this.#olderMs = uptimeMs;
  }
}
