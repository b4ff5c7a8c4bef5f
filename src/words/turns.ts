/** Runs pieces of work with the same key one after the other, in the order they were given; others at the same time. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  get areOver(): boolean {
    return this.#last.size === 0;
  }

  run<T>(work: () => Promise<T>, key = ''): Promise<T> {
    const before = this.#last.get(key) ?? Promise.resolve();
    const turn = before.then(work).finally(() => {
      if (this.#last.get(key) === settled) this.#last.delete(key);
    });
    const settled = turn.catch(() => undefined);
    this.#last.set(key, settled);
    return turn;
  }

  /** Resolves once all work has ended, including work that is added meanwhile. */
  async over(): Promise<void> {
    while (this.#last.size > 0) await Promise.all(this.#last.values());
  }
}
