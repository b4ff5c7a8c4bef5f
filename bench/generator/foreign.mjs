import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { cpuSeconds } from '../processes.mjs';
import { latencies } from '../statistics.mjs';
import { failing } from './failing.mjs';
import { openStream } from './follower.mjs';
import { Ledger } from './ledger.mjs';

const SETTLE_MS = 10_000;
const WRITER = fileURLToPath(new URL('foreign-writer.mjs', import.meta.url));

/**
 * @typedef {object} ForeignJob
 * @property {number} port
 * @property {number} pid  of the server
 * @property {string} receiver
 * @property {string} file  the receiver's mailbox
 * @property {number} perSecond
 * @property {number} count
 */

/**
 * Another process appends to the mailbox: from just before each append until its event is seen.
 * @param {ForeignJob} job
 */
export async function foreign({ port, pid, receiver, file, perSecond, count }) {
  const { failed, failure } = failing();
  const ledger = new Ledger();
  /** @type {number[]} */
  const seenAfter = [];
  const onMessage = (/** @type {string} */ data) => {
    const { number, at } = JSON.parse(data);
    seenAfter.push(Number(process.hrtime.bigint() - BigInt(at)) / 1e6);
    ledger.deliver(`writer.${number}`);
  };
  const close = await openStream({ port, receiver, cursor: '0-0', onMessage, failed });
  const begun = { ms: performance.now(), cpu: cpuSeconds(pid) };
  await Promise.race([appendAll(file, perSecond, count, failed), failure]);
  const cpu = (cpuSeconds(pid) - begun.cpu) / ((performance.now() - begun.ms) / 1000);
  for (let i = 0; i < count; i += 1) ledger.accept('writer');
  await ledger.settled(SETTLE_MS);
  close();
  return { ...latencies(seenAfter), cpu, faults: ledger.faults };
}

/**
 * @param {string} file @param {number} perSecond @param {number} count @param {(error: Error) => void} failed
 * @returns {Promise<void>}
 */
function appendAll(file, perSecond, count, failed) {
  return new Promise((resolve) => {
    const writer = fork(WRITER, [file, String(perSecond), String(count)]);
    writer.once('exit', (code) => (code === 0 ? resolve() : failed(new Error(`the writer ended with ${code}`))));
  });
}
