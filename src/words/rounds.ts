/**
 * Visits each key of `items` about once in `periodMs`: a share of them at each tick, instead of all at once. If there are
 * too many for `most` visits a tick, each is visited less often.
 */
export class Rounds<T> {
  readonly #items: ReadonlyMap<T, unknown>;
  readonly #share: number;
  readonly #most: number;
  #round: Iterator<T> = [].values();
  /** How many visits are due. Not a whole number. */
  #owed = 0;

  constructor(items: ReadonlyMap<T, unknown>, tickMs: number, periodMs: number, most = Infinity) {
    this.#items = items;
    this.#share = tickMs / periodMs;
    this.#most = most;
  }

  tick(visit: (item: T) => void): void {
    this.#owed += Math.min(this.#items.size * this.#share, this.#most);
    for (; this.#owed >= 1; this.#owed -= 1) {
      let next = this.#round.next();
      if (next.done) {
        this.#round = this.#items.keys();
        next = this.#round.next();
      }
      if (!next.done) visit(next.value);
    }
  }
}
