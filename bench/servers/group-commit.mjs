/** One file. All messages that wait share one write and one fdatasync. */
import { fdatasync, openSync, writeSync } from 'node:fs';
import { deliver } from './raw-http.mjs';

/** @typedef {{ event: import('./raw-http.mjs').Kept, kept: () => void }} Waiting */

export class GroupCommit {
  #fd;
  /** @type {Waiting[]} */
  #queue = [];
  #busy = false;

  /** @param {string} path */
  constructor(path) {
    this.#fd = openSync(path, 'a');
  }

  /** @param {import('./raw-http.mjs').Kept} event @param {() => void} kept */
  keep(event, kept) {
    this.#queue.push({ event, kept });
    if (!this.#busy) this.#writeAll();
  }

  #writeAll() {
    const batch = this.#queue;
    this.#busy = batch.length > 0;
    if (!this.#busy) return;
    this.#queue = [];
    // Into the page cache at once: a detour through the thread pool would cost more than the write.
    writeSync(this.#fd, batch.map(({ event }) => event.frame).join(''));
    fdatasync(this.#fd, (error) => {
      if (error) throw error;
      settle(batch);
      this.#writeAll();
    });
  }
}

/** One write for each receiver of the batch, then the answers. @param {readonly Waiting[]} batch */
function settle(batch) {
  /** @type {Map<string, string>} */
  const frames = new Map();
  for (const { event } of batch) frames.set(event.receiver, (frames.get(event.receiver) ?? '') + event.frame);
  for (const [receiver, text] of frames) deliver(receiver, text);
  for (const { kept } of batch) kept();
}
