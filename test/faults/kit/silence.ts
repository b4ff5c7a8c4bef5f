/** How long nothing was accepted although a server could have accepted it, in ms of a monotonic clock. */
export class Silence {
  #acceptedMs = Infinity;
  #excusedMs = -Infinity;
  #excuses = 0;
  longestMs = 0;

  /** A message was accepted. */
  accepted(): void {
    const nowMs = performance.now();
    // A silence does not count if all servers were stopped or dead during any part of it.
    if (this.#excuses === 0 && this.#acceptedMs > this.#excusedMs) {
      this.longestMs = Math.max(this.longestMs, nowMs - this.#acceptedMs);
    }
    this.#acceptedMs = nowMs;
  }

  /** From now on, silence is allowed, until the returned function is called. */
  excuse(): () => void {
    this.#excuses += 1;
    this.#excusedMs = performance.now();
    return () => {
      this.#excuses -= 1;
      this.#excusedMs = performance.now();
    };
  }
}
