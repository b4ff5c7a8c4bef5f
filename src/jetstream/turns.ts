/** Runs work on the same thing one by one, in the order it was asked for, and work on different things side by side. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  take<T>(thing: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(thing);
    const done = before ? before.then(work, work) : work();
    this.#last.set(thing, done);
    const forget = (): void => {
      if (this.#last.get(thing) === done) this.#last.delete(thing);
    };
    done.then(forget, forget);
    return done;
  }

  /** Resolves when no work is under way any more, whether it succeeded or not. */
  async over(): Promise<void> {
    while (this.#last.size > 0) await Promise.allSettled(this.#last.values());
  }
}
