const MAX_KEYS = 10_000;
export const MIN_AGE_MS = 2 * 60 * 1000;
export const MAX_AGE_MS = 24 * 60 * 60 * 1000;

interface Kept {
  readonly id: string;
  readonly ms: number;
}

/**
 * The idempotency keys of the newest events (see `scopedKey`), each with the id of its event: the newest 10,000, for at most
 * a day, and all of the last two minutes. Keys are kept in two maps. When the newer one is full it becomes the older one,
 * and the keys in that are forgotten: dropping them one by one was slow. The store passes times of a clock that only
 * rises, so setting the computer's clock does not make it forget keys.
 */
export class RecentKeys {
  #older = new Map<string, Kept>();
  #newer = new Map<string, Kept>();
  /** When the newest key of the older map came. */
  #olderMs = -Infinity;

  get(key: string, uptimeMs: number): string | undefined {
    const kept = this.#newer.get(key) ?? this.#older.get(key);
    return kept && kept.ms >= uptimeMs - MAX_AGE_MS ? kept.id : undefined;
  }

  /** Adds a key. Keys are forgotten in the order in which they were added. */
  set(key: string, id: string, uptimeMs: number): void {
    this.#newer.set(key, { id, ms: uptimeMs });
    if (this.#newer.size < MAX_KEYS || this.#olderMs > uptimeMs - MIN_AGE_MS) return;
    this.#older = this.#newer;
    this.#newer = new Map();
    this.#olderMs = uptimeMs;
  }
}
