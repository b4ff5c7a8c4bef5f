/** The load generator: gets one job, does it, prints the result, and ends. */
import { backlog } from './backlog.mjs';
import { fairness } from './fairness.mjs';
import { foreign } from './foreign.mjs';
import { idle } from './idle.mjs';
import { latency } from './latency.mjs';
import { reconnect } from './reconnect.mjs';
import { throughput } from './throughput.mjs';
import { transports } from './transports.mjs';

/** @type {Record<string, (settings: any) => Promise<object>>} */
const JOBS = { backlog, fairness, foreign, idle, latency, reconnect, throughput, transports };

process.once('message', (settings) => {
  const { job } = /** @type {{ job: string }} */ (settings);
  run(job, settings).then(answer, (error) => answer({ error: error.stack }));
});

/** @param {string} job @param {unknown} settings */
async function run(job, settings) {
  const work = JOBS[job];
  if (!work) throw new Error(`no such job: ${job}`);
  return work(settings);
}

/** @param {object} result */
function answer(result) {
  process.send?.(result, () => process.exit(0));
}
