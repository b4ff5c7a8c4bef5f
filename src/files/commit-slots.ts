/**
 * How many commits may be on their way to the disk at once. A commit that has to wait chooses what it writes only when
 * its turn comes, after the requests that have come meanwhile: under load batches grow instead of queues.
 */
export class CommitSlots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(count: number) {
    this.#free = count;
  }

  /** Undefined when there is a slot now; else resolves when there is. Each must be left once. */
  enter(): Promise<void> | undefined {
    if (this.#free > 0) {
      this.#free -= 1;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting.shift();
    if (next) setImmediate(next);
    else this.#free += 1;
  }
}
