import { latencies } from '../statistics.mjs';
import { openStream } from './follower.mjs';
import { failing } from './failing.mjs';

/**
 * @typedef {object} ReconnectJob
 * @property {number} port
 * @property {string} receiver
 * @property {string} cursor
 * @property {number} missed  how many messages came after the cursor
 * @property {number} times
 */

/**
 * Reconnects with a cursor, again and again. Measures the ms until everything missed has come.
 * @param {ReconnectJob} job
 */
export async function reconnect({ port, receiver, cursor, missed, times }) {
  const { failed, failure } = failing();
  const took = [];
  for (let i = 0; i < times; i += 1)
    took.push(await Promise.race([once(port, receiver, cursor, missed, failed), failure]));
  return { firstMs: took[0], ...latencies(took) };
}

/**
 * @param {number} port @param {string} receiver @param {string} cursor @param {number} missed
 * @param {(error: Error) => void} failed
 */
async function once(port, receiver, cursor, missed, failed) {
  const begun = performance.now();
  let count = 0;
  /** @type {(() => void) | undefined} */
  let done;
  const all = new Promise((resolve) => (done = () => resolve(undefined)));
  const onMessage = () => {
    count += 1;
    if (count === missed) done?.();
  };
  const close = await openStream({ port, receiver, cursor, onMessage, failed });
  await all;
  const ms = performance.now() - begun;
  close();
  return ms;
}
