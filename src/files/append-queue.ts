import type { Appended, Message } from '../words/mailbox-store.ts';
import type { Append } from './appends.ts';

/** Those who wait for their message to be written: all that have come when it comes to a write go together. */
export class AppendQueue {
  readonly #write: (queue: Append[]) => Promise<void>;
  readonly #queue: Append[] = [];
  #isWriting = false;

  /** `write` answers those that it takes out of the queue; when it fails, all that are still in it have failed. */
  constructor(write: (queue: Append[]) => Promise<void>) {
    this.#write = write;
  }

  get length(): number {
    return this.#queue.length;
  }

  add(message: Message): Promise<Appended> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, resolve, reject });
      if (!this.#isWriting) void this.#writeAll();
    });
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#queue.length > 0) {
      try {
        await this.#write(this.#queue);
      } catch (error) {
        for (const { reject } of this.#queue.splice(0)) reject(error);
      }
    }
    this.#isWriting = false;
  }
}
