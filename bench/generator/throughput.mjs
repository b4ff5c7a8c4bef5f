import { cpuSeconds } from '../processes.mjs';
import { elapsed, failing } from './failing.mjs';
import { Ledger, keyIn, messageJson } from './ledger.mjs';
import { transport } from './transport.mjs';

const SETTLE_MS = 15_000;

/**
 * @typedef {object} ThroughputJob
 * @property {number} port
 * @property {number} pid  of the server
 * @property {string} transport
 * @property {readonly string[]} receivers
 * @property {number} publishers  each with one message in flight
 * @property {'listening' | 'away' | 'gone'} presence  away: mail is fetched afterwards; gone: the server keeps none
 * @property {string | undefined} [cursor]
 * @property {string} [sender]  the beginning of the senders' names, so that no key is used twice in one directory
 * @property {number} warmSeconds
 * @property {number} seconds
 */

/**
 * Sends as many messages as possible. Counts how many are accepted, and how many arrive, per second.
 * @param {ThroughputJob} job
 */
export async function throughput(job) {
  const { failed, failure } = failing();
  return Promise.race([measure(job, failed), failure]);
}

/** @param {ThroughputJob} job @param {(error: Error) => void} failed */
async function measure(job, failed) {
  const { port, pid, receivers, presence, warmSeconds, seconds } = job;
  const { Publisher, follow } = await transport(job.transport);
  const ledger = new Ledger();
  const onMessage = (/** @type {string} */ data) => ledger.deliver(keyIn(data));
  const listen = () =>
    Promise.all(receivers.map((receiver) => follow({ port, receiver, cursor: job.cursor, onMessage, failed })));

  const streams = presence === 'listening' ? await listen() : [];
  let running = true;
  const publishing = Promise.all(
    Array.from({ length: job.publishers }, (_, i) => {
      const receiver = String(receivers[i % receivers.length]);
      return publishWhile(() => running, new Publisher(port, failed), `${job.sender ?? 's'}-${i}`, receiver, ledger);
    }),
  );

  await elapsed(warmSeconds);
  const before = observe(pid, ledger);
  await elapsed(seconds);
  const after = observe(pid, ledger);
  running = false;
  await publishing;

  if (presence === 'away') streams.push(...(await listen()));
  if (presence !== 'gone') await ledger.settled(SETTLE_MS);
  for (const close of streams) close();

  const rate = (/** @type {keyof typeof before} */ what) =>
    ((after[what] - before[what]) / (after.at - before.at)) * 1000;
  return {
    accepted: rate('accepted'),
    delivered: rate('delivered'),
    serverCpu: rate('serverCpu'),
    cpuEach: (rate('serverCpu') / rate('accepted')) * 1e6,
    generatorCpu: rate('generatorCpu'),
    faults: presence === 'gone' ? { lost: 0, twice: 0, disordered: 0 } : ledger.faults,
  };
}

/**
 * Posts messages one by one; resolves when the last one is answered.
 * @param {() => boolean} goesOn
 * @param {{ post: (json: string, answered: () => void) => void, close: () => void }} publisher
 * @param {string} sender @param {string} receiver @param {Ledger} ledger
 * @returns {Promise<void>}
 */
function publishWhile(goesOn, publisher, sender, receiver, ledger) {
  return new Promise((resolve) => {
    let number = 0;
    const next = () => publisher.post(messageJson(sender, receiver, number), answered);
    const answered = () => {
      ledger.accept(sender);
      number += 1;
      if (goesOn()) return next();
      publisher.close();
      resolve();
    };
    next();
  });
}

/** @param {number} pid @param {Ledger} ledger */
function observe(pid, { accepted, delivered }) {
  return {
    at: performance.now(),
    accepted,
    delivered,
    serverCpu: cpuSeconds(pid),
    generatorCpu: cpuSeconds(process.pid),
  };
}
