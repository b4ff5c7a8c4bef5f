/**
 * Visits every one of `items` about once in `periodMs`, a share at each tick instead of all at once; with more of them
 * than `most` visits a tick allow, each less often.
 */
export class Rounds<T> {
  readonly #items: () => Iterable<T>;
  readonly #count: () => number;
  readonly #share: number;
  readonly #most: number;
  #round: Iterator<T> = [].values();
  /** Visits that are due, in parts of a visit. */
  #owed = 0;

  constructor(items: () => Iterable<T>, count: () => number, tickMs: number, periodMs: number, most = Infinity) {
    this.#items = items;
    this.#count = count;
    this.#share = tickMs / periodMs;
    this.#most = most;
  }

  tick(visit: (item: T) => void): void {
    this.#owed += Math.min(this.#count() * this.#share, this.#most);
    for (; this.#owed >= 1; this.#owed -= 1) {
      let next = this.#round.next();
      if (next.done) {
        this.#round = this.#items()[Symbol.iterator]();
        next = this.#round.next();
      }
      if (!next.done) visit(next.value);
    }
  }
}
