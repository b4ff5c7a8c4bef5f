/** Remembers that it rang, so that a ring between a look and the wait is not lost. */
export class Bell {
  #rung = false;
  #stopped = false;
  #wake: (() => void) | undefined;

  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  get isStopped(): boolean {
    return this.#stopped;
  }

  /** Wakes whoever waits, now and from now on. */
  stop(): void {
    this.#stopped = true;
    this.#wake?.();
  }

  /** Resolves when it has rung since the last time, false when it is stopped. */
  async rings(): Promise<boolean> {
    if (!this.#rung && !this.#stopped) await new Promise<void>((resolve) => (this.#wake = resolve));
    this.#rung = false;
    return !this.#stopped;
  }
}
