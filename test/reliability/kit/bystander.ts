import { Agent, request } from 'node:http';
import type { At } from '../../support/requests.ts';

/** Another client's requests to a server, one after the other, while the server handles a heavy one. */
export class Bystander {
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #over = new AbortController();
  readonly #asking: Promise<void>;
  #longestMs = 0;
  #count = 0;

  constructor(at: At) {
    this.#asking = this.#ask(at);
  }

  /** The longest time that one of them waited for its answer, in ms. */
  async longestWaitMs(): Promise<number> {
    this.#over.abort();
    await this.#asking;
    this.#agent.destroy();
    if (this.#count === 0) throw new Error('nothing was answered');
    return this.#longestMs;
  }

  async #ask({ url }: At): Promise<void> {
    while (!this.#over.signal.aborted) {
      const beganMs = performance.now();
      await this.#answered(new URL('/healthz', url));
      this.#longestMs = Math.max(this.#longestMs, performance.now() - beganMs);
      this.#count += 1;
    }
  }

  #answered(url: URL): Promise<void> {
    return new Promise((resolve, reject) => {
      const req = request(url, { agent: this.#agent }, (res) => res.resume().once('end', resolve));
      req.once('error', reject).end();
    });
  }
}
