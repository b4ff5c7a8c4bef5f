const LE_S = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

/** How many took how long, by bucket: cheap enough to be counted always. In seconds, as Prometheus has it. */
export class Durations {
  /** By bucket; the last one is beyond all bounds. */
  readonly #counts = LE_S.map(() => 0).concat(0);
  #count = 0;
  #sum = 0;

  observe(seconds: number): void {
    let bucket = 0;
    while (seconds > (LE_S[bucket] ?? Infinity)) bucket += 1;
    this.#counts[bucket]! += 1;
    this.#count += 1;
    this.#sum += seconds;
  }

  get count(): number {
    return this.#count;
  }

  get sum(): number {
    return this.#sum;
  }

  /** Each counts whatever took up to `le`. */
  get buckets(): { le: number | '+Inf'; count: number }[] {
    let upTo = 0;
    return this.#counts.map((count, i) => ({ le: LE_S[i] ?? '+Inf', count: (upTo += count) }));
  }
}
