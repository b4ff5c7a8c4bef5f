/** Lets work on one thing be done one after the other, in the order it was asked for; different things side by side. */
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

  /** Resolves when nothing is under way any more, whatever came of it. */
  async over(): Promise<void> {
    while (this.#last.size > 0) await Promise.allSettled(this.#last.values());
  }
}
