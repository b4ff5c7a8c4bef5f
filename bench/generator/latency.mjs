import { latencies } from '../statistics.mjs';
import { failing } from './failing.mjs';
import { Ledger, keyIn, messageJson } from './ledger.mjs';
import { transport } from './transport.mjs';

const SETTLE_MS = 10_000;

/**
 * @typedef {object} LatencyJob
 * @property {number} port
 * @property {string} transport
 * @property {string} receiver
 * @property {string} sender  a name for each job: keys are not used again
 * @property {string | undefined} [cursor]
 * @property {number} perSecond
 * @property {number} warm  messages that are not counted
 * @property {number} count
 */

/**
 * Sends at a steady rate to one listening receiver. Measures the time from the start of each POST until its event comes.
 * If a message is due while the one before is unanswered, its time runs from that moment.
 * @param {LatencyJob} job
 */
export async function latency(job) {
  const { failed, failure } = failing();
  return Promise.race([measure(job, failed), failure]);
}

/** @param {LatencyJob} job @param {(error: Error) => void} failed */
async function measure({ port, transport: name, receiver, sender, cursor, perSecond, warm, count }, failed) {
  const { Publisher, follow } = await transport(name);
  const ledger = new Ledger();
  /** @type {number[]} */
  const due = [];
  /** @type {number[]} */
  const seenAfter = [];
  const close = await follow({
    port,
    receiver,
    cursor,
    failed,
    onMessage(data) {
      const key = keyIn(data);
      if (!key.startsWith(`${sender}.`)) return; // mail from an earlier run
      const number = Number(key.slice(sender.length + 1));
      if (number >= warm) seenAfter.push(performance.now() - Number(due[number]));
      ledger.deliver(key);
    },
  });
  const publisher = new Publisher(port, failed);
  await publishSteadily(
    publisher,
    perSecond,
    warm + count,
    due,
    (number) => messageJson(sender, receiver, number),
    () => ledger.accept(sender),
  );
  await ledger.settled(SETTLE_MS);
  close();
  publisher.close();
  return { ...latencies(seenAfter), faults: ledger.faults };
}

/**
 * @param {{ post: (json: string, answered: () => void) => void }} publisher
 * @param {number} perSecond @param {number} count @param {number[]} due  gets when each was due
 * @param {(number: number) => string} json @param {() => void} accepted
 */
export function publishSteadily(publisher, perSecond, count, due, json, accepted) {
  return new Promise((resolve) => {
    let answered = 0;
    const post = () =>
      publisher.post(json(answered), () => {
        accepted();
        answered += 1;
        if (answered === count) resolve(undefined);
        else if (answered < due.length) post();
      });
    const begun = performance.now();
    const tick = () => {
      due.push(performance.now());
      if (due.length === answered + 1) post();
      if (due.length < count) setTimeout(tick, begun + (due.length * 1000) / perSecond - performance.now());
    };
    tick();
  });
}
