import { cpuSeconds, residentBytes } from '../processes.mjs';
import { latencies } from '../statistics.mjs';
import { elapsed, failing } from './failing.mjs';
import { openStream } from './follower.mjs';
import { Ledger, keyIn, messageJson } from './ledger.mjs';
import { publishSteadily } from './latency.mjs';
import { Publisher } from './publisher.mjs';

const WARM_STREAMS = 50;
const WARM_MESSAGES = 200;
const AT_ONCE = 50;
const PER_SECOND = 100;
const PER_ADDRESS = 4000;
const ARMED_SECONDS = 2;
const SETTLE_MS = 10_000;

/**
 * @typedef {object} IdleJob
 * @property {number} port
 * @property {number} pid
 * @property {number} streams
 * @property {string | undefined} [cursor]
 * @property {number} seconds
 * @property {number} messages
 */

/**
 * Opens many streams, each of another receiver, on which nothing is sent. Measures the memory of each, the CPU while
 * idle, and how long a message to one of them takes.
 * @param {IdleJob} job
 */
export async function idle(job) {
  const { failed, failure } = failing();
  return Promise.race([measure(job, failed), failure]);
}

/** @param {IdleJob} job @param {(error: Error) => void} failed */
async function measure({ port, pid, streams, cursor, seconds, messages }, failed) {
  const crowd = new Crowd(port, cursor, failed);
  await crowd.grow(WARM_STREAMS);
  await crowd.converse('warm', WARM_MESSAGES); // memory for the first messages is not the streams'
  const bytesBefore = residentBytes(pid);

  const begun = performance.now();
  await crowd.grow(streams);
  const openedMs = performance.now() - begun;
  await elapsed(ARMED_SECONDS);

  const cpuBefore = cpuSeconds(pid);
  const idleFrom = performance.now();
  await elapsed(seconds);
  const cpu = ((cpuSeconds(pid) - cpuBefore) / (performance.now() - idleFrom)) * 1000;
  const bytesEach = (residentBytes(pid) - bytesBefore) / (streams - WARM_STREAMS);

  const latency = await crowd.converse('random', messages);
  crowd.leave();
  return { bytesEach, cpu, openedMs, ...latency, faults: crowd.ledger.faults };
}

class Crowd {
  ledger = new Ledger();
  #port;
  #cursor;
  #failed;
  /** @type {(() => void)[]} */
  #closes = [];
  /** @type {(key: string) => void} */
  #onKey = () => undefined;

  /** @param {number} port @param {string | undefined} cursor @param {(error: Error) => void} failed */
  constructor(port, cursor, failed) {
    this.#port = port;
    this.#cursor = cursor;
    this.#failed = failed;
  }

  /** Opens streams, some at a time, until there are so many. @param {number} size */
  async grow(size) {
    let next = this.#closes.length;
    const openSome = async () => {
      while (next < size) await this.#open(next++);
    };
    await Promise.all(Array.from({ length: AT_ONCE }, openSome));
  }

  /** @param {number} i */
  async #open(i) {
    const close = await openStream({
      port: this.#port,
      receiver: `r${i}`,
      cursor: this.#cursor,
      localAddress: `127.0.0.${2 + Math.floor(i / PER_ADDRESS)}`,
      failed: this.#failed,
      onMessage: (data) => {
        const key = keyIn(data);
        this.#onKey(key);
        this.ledger.deliver(key);
      },
    });
    this.#closes.push(close);
  }

  /** Messages from one sender to receivers drawn by lot. @param {string} sender @param {number} count */
  async converse(sender, count) {
    /** @type {number[]} */
    const due = [];
    /** @type {number[]} */
    const seenAfter = [];
    this.#onKey = (key) => seenAfter.push(performance.now() - Number(due[Number(key.slice(sender.length + 1))]));
    const publisher = new Publisher(this.#port, this.#failed);
    const json = (/** @type {number} */ number) =>
      messageJson(sender, `r${Math.floor(Math.random() * this.#closes.length)}`, number);
    await publishSteadily(publisher, PER_SECOND, count, due, json, () => this.ledger.accept(sender));
    await this.ledger.settled(SETTLE_MS);
    publisher.close();
    return latencies(seenAfter);
  }

  leave() {
    for (const close of this.#closes) close();
  }
}
