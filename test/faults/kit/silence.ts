/** How long nothing was accepted although somebody could have accepted it. In ms of a clock that only rises. */
export class Silence {
  #acceptedMs = Infinity;
  #excusedMs = -Infinity;
  #excuses = 0;
  longestMs = 0;

  /** A message was accepted. */
  accepted(): void {
    const nowMs = performance.now();
    // A silence in which everybody was stopped or dead, if only in part, tells nothing.
    if (this.#excuses === 0 && this.#acceptedMs > this.#excusedMs) {
      this.longestMs = Math.max(this.longestMs, nowMs - this.#acceptedMs);
    }
    this.#acceptedMs = nowMs;
  }

  /** From now on nobody needs to accept, until what is returned is called. */
  excuse(): () => void {
    this.#excuses += 1;
    this.#excusedMs = performance.now();
    return () => {
      this.#excuses -= 1;
      this.#excusedMs = performance.now();
    };
  }
}
