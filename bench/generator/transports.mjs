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
  const ledger = new Ledger();
  /** @type {Map<string, number>} */
  const sentAt = new Map();
  /** @type {number[]} */
  let delays = [];
  const onMessage = (/** @type {string} */ data) => {
    const key = keyIn(data);
    delays.push(performance.now() - Number(sentAt.get(key)));
    ledger.deliver(key);
  };
  const open = RECEIVERS[by];
  const listeners = await Promise.all(receivers.map((receiver) => open({ port, receiver, onMessage, failed })));
  const publishers = Array.from({ length: PUBLISHERS }, () => new Publisher(port, failed));
  const next = new Map(receivers.map((receiver) => [receiver, 0]));

  /**
   * Each publisher sends to its share of the receivers, one by one.
   * @param {number} rounds @param {number} everyMs  how long a round takes, spread over the receivers; 0: at once
   */
  const publish = async (rounds, everyMs) => {
    const begun = performance.now();
    const dueIn = (/** @type {number} */ round, /** @type {number} */ i) =>
      begun + (round + i / receivers.length) * everyMs - performance.now();
    await Promise.all(
      publishers.map(async (publisher, p) => {
        for (let round = 0; round < rounds; round += 1) {
          for (let i = p; i < receivers.length; i += PUBLISHERS) {
            if (everyMs > 0) await elapsed(Math.max(0, dueIn(round, i)) / 1000);
            const receiver = String(receivers[i]);
            const number = Number(next.get(receiver));
            next.set(receiver, number + 1);
            sentAt.set(`${receiver}-s.${number}`, performance.now());
            await post(publisher, messageJson(`${receiver}-s`, receiver, number));
            ledger.accept(`${receiver}-s`);
          }
        }
      }),
    );
    await ledger.settled(SETTLE_MS);
  };
  /** @param {() => Promise<unknown>} work */
  const during = async (work) => {
    delays = [];
    const [before, cpuBefore] = [total(listeners), cpuSeconds(pid)];
    await work();
    const [after, cpuAfter] = [total(listeners), cpuSeconds(pid)];
    return {
      requests: after.requests - before.requests,
      up: after.up - before.up,
      down: after.down - before.down,
      cpu: cpuAfter - cpuBefore,
    };
  };

  await elapsed(0.5); // the first answers do not count
  const idle = await during(() => elapsed(idleSeconds));
  const steady = await during(() => publish(seconds, 1000));
  const steadyDelays = latencies(delays);
  const bursting = await during(() => publish(burst, 0));
  const burstDelays = latencies(delays);
  for (const { close } of listeners) close();
  for (const publisher of publishers) publisher.close();

  const perMinute = 60 / idleSeconds / receivers.length;
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
    faults: ledger.faults,
  };
}

/** @param {readonly import('./receivers.mjs').Receiver[]} listeners */
function total(listeners) {
  const all = listeners.map(({ traffic }) => traffic());
  const sum = (/** @type {'requests' | 'up' | 'down'} */ what) => all.reduce((sum, each) => sum + each[what], 0);
  return { requests: sum('requests'), up: sum('up'), down: sum('down') };
}

/** @param {Publisher} publisher @param {string} json */
function post(publisher, json) {
  return new Promise((resolve) => publisher.post(json, () => resolve(undefined)));
}
