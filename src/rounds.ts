/** Visits every one of `items` about once in `periodMs`, a share at each tick instead of all at once. */
export class Rounds<T> {
  readonly #items: () => Iterable<T>;
  readonly #count: () => number;
  readonly #share: number;
  #round: Iterator<T> = [].values();
  /** Visits that are due, in parts of a visit. */
  #owed = 0;

  constructor(items: () => Iterable<T>, count: () => number, tickMs: number, periodMs: number) {
    this.#items = items;
    this.#count = count;
    this.#share = tickMs / periodMs;
  }

  tick(visit: (item: T) => void): void {
    this.#owed += this.#count() * this.#share;
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
