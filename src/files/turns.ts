/** Runs pieces of work one after the other. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();
  #count = 0;

  get areOver(): boolean {
    return this.#count === 0;
  }

  run<T>(work: () => Promise<T>): Promise<T> {
    this.#count += 1;
    const turn = this.#last.then(work).finally(() => (this.#count -= 1));
    this.#last = turn.catch(() => undefined);
    return turn;
  }

  /** Resolves once all work has ended, even what is added meanwhile. */
  async over(): Promise<void> {
    while (this.#count > 0) await this.#last;
  }
}
