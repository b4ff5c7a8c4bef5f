import { cpuSeconds } from '../processes.mjs';
import { latencies } from '../statistics.mjs';
import { elapsed, failing } from './failing.mjs';
import { Ledger, keyIn, messageJson } from './ledger.mjs';
import { Publisher } from './publisher.mjs';
import { RECEIVERS } from './receivers.mjs';

const SETTLE_MS = 5000;
const PUBLISHERS = 20;

/**
 * @typedef {object} TransportsJob
 * @property {number} port
 * @property {number} pid  of the server
 * @property {import('./receivers.mjs').TransportName} by
 * @property {readonly string[]} receivers
 * @property {number} idleSeconds
 * @property {number} seconds  with one message a second to each receiver
 * @property {number} burst  messages to each receiver at once
 */

/**
 * Measures listeners of one transport: idle, with one message a second each, and with many at once.
 * @param {TransportsJob} job
 */
export async function transports(job) {
  const { failed, failure } = failing();
  return Promise.race([measure(job, failed), failure]);
}

/** @param {TransportsJob} job @param {(error: Error) => void} failed */
async function measure({ port, pid, by, receivers, idleSeconds, seconds, burst }, failed) {
  const crowd = new Crowd(receivers);
  const open = RECEIVERS[by];
  const onMessage = (/** @type {string} */ data) => crowd.take(data);
  const listeners = await Promise.all(receivers.map((receiver) => open({ port, receiver, onMessage, failed })));
  const publishers = Array.from({ length: PUBLISHERS }, () => new Publisher(port, failed));
  /** @param {() => Promise<unknown>} work */
  const during = async (work) => {
    crowd.delays = [];
    const [before, cpuBefore] = [total(listeners), cpuSeconds(pid)];
    await work();
    const [after, cpu] = [total(listeners), cpuSeconds(pid) - cpuBefore];
    const { requests, up, down } = before;
    const traffic = { requests: after.requests - requests, up: after.up - up, down: after.down - down };
    return { ...traffic, cpu, delays: crowd.delays };
  };

  await elapsed(0.5); // the first answers do not count
  const idle = await during(() => elapsed(idleSeconds));
  const steady = await during(() => crowd.publish(publishers, seconds, 1000));
  const bursting = await during(() => crowd.publish(publishers, burst, 0));
  for (const each of [...listeners, ...publishers]) each.close();
  return { ...resultsOf(idle, steady, bursting, 60 / idleSeconds / receivers.length), faults: crowd.ledger.faults };
}

/** What was sent to the receivers, and how long each message took. */
class Crowd {
  ledger = new Ledger();
  /** @type {number[]} */
  delays = [];
  /** @type {Map<string, number>} */
  #sentAt = new Map();
  #receivers;
  #next;

  /** @param {readonly string[]} receivers */
  constructor(receivers) {
    this.#receivers = receivers;
    this.#next = new Map(receivers.map((receiver) => [receiver, 0]));
  }

  /** @param {string} data */
  take(data) {
    const key = keyIn(data);
    this.delays.push(performance.now() - Number(this.#sentAt.get(key)));
    this.ledger.deliver(key);
  }

  /**
   * Each publisher sends to its share of the receivers, one by one.
   * @param {readonly Publisher[]} publishers @param {number} rounds
   * @param {number} everyMs  how long a round takes, spread over the receivers; 0: at once
   */
  async publish(publishers, rounds, everyMs) {
    const begun = performance.now();
    const share = async (/** @type {Publisher} */ publisher, /** @type {number} */ first) => {
      for (let round = 0; round < rounds; round += 1) {
        for (let i = first; i < this.#receivers.length; i += publishers.length) {
          const dueMs = begun + (round + i / this.#receivers.length) * everyMs;
          if (everyMs > 0) await elapsed(Math.max(0, dueMs - performance.now()) / 1000);
          await this.#post(publisher, String(this.#receivers[i]));
        }
      }
    };
    await Promise.all(publishers.map(share));
    await this.ledger.settled(SETTLE_MS);
  }

  /** @param {Publisher} publisher @param {string} receiver */
  async #post(publisher, receiver) {
    const [sender, number] = [`${receiver}-s`, Number(this.#next.get(receiver))];
    this.#next.set(receiver, number + 1);
    this.#sentAt.set(`${sender}.${number}`, performance.now());
    await new Promise((resolve) => publisher.post(messageJson(sender, receiver, number), () => resolve(undefined)));
    this.ledger.accept(sender);
  }
}

/**
 * @typedef {{ requests: number, up: number, down: number, cpu: number, delays: number[] }} Phase
 * @param {Phase} idle @param {Phase} steady @param {Phase} bursting @param {number} perMinute
 */
function resultsOf(idle, steady, bursting, perMinute) {
  const [steadyDelays, burstDelays] = [latencies(steady.delays), latencies(bursting.delays)];
  return {
    idleRequests: idle.requests * perMinute,
    idleBytes: (idle.up + idle.down) * perMinute,
    requests: steady.requests / steadyDelays.count,
    p50: steadyDelays.p50,
    p99: steadyDelays.p99,
    up: steady.up / steadyDelays.count,
    down: steady.down / steadyDelays.count,
    burstRequests: bursting.requests / burstDelays.count,
    burstP50: burstDelays.p50,
    burstP99: burstDelays.p99,
    burstBytes: (bursting.up + bursting.down) / burstDelays.count,
    burstCpu: (bursting.cpu / burstDelays.count) * 1e6,
  };
}

/** @param {readonly import('./receivers.mjs').Receiver[]} listeners */
function total(listeners) {
  const all = listeners.map(({ traffic }) => traffic());
  const sum = (/** @type {'requests' | 'up' | 'down'} */ what) => all.reduce((sum, each) => sum + each[what], 0);
  return { requests: sum('requests'), up: sum('up'), down: sum('down') };
}
