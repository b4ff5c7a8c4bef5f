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

  /** Runs `work` when there is a slot. It must wait for nothing but the disk: no lock, no other slot. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) setImmediate(next);
      else this.#free += 1;
    }
  }
}
