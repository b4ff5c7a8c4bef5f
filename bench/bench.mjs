/**
 * Measures the product as it ships against floors and peers, in the same run:
 *
 *     npm run bench [-- scenario …] [--runs 3] [--quick]
 *
 * Needs Linux, taskset and two idle cores. See README.md in this folder.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { printFindings, printGoals } from './report.mjs';
import { makeScratch, remove } from './scratch.mjs';

const RESULTS = new URL('results/', import.meta.url);

/** The scenarios by name, in the order they run. */
const SCENARIOS = [
  'latency',
  'throughput',
  'away',
  'backlog',
  'idle',
  'foreign',
  'fairness',
  'search',
  'size',
  'start-up',
  'transports',
  'nats',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string' }, quick: { type: 'boolean', default: false } },
});
const { quick } = values;
const runs = Number(values.runs ?? (quick ? 1 : 3));
const chosen = positionals.length === 0 ? SCENARIOS : positionals;
const unknown = chosen.filter((name) => !SCENARIOS.includes(name));
if (unknown.length > 0 || !(runs >= 1 && runs <= 20)) {
  console.error(`Usage: npm run bench [-- scenario …] [--runs 1..20] [--quick]\nScenarios: ${SCENARIOS.join(', ')}`);
  process.exit(2);
}
if (process.platform !== 'linux' || availableParallelism() < 2) {
  console.error('The server and the load generator need a core each, pinned with taskset: Linux, two cores.');
  process.exit(1);
}

const scratch = makeScratch();
process.once('exit', () => remove(scratch));
for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) process.once(signal, () => process.exit(1));

const all = [];
for (const name of chosen) {
  console.error(`${name} …`);
  const { run } = await import(`./scenarios/${name}.mjs`);
  const findings = await run({ runs, quick, scratch });
  printFindings(findings);
  save(name, findings);
  all.push(findings);
}
printGoals(all);
if (all.some(({ faults }) => faults.length > 0)) process.exitCode = 1;

/** Quick figures mean little and are not kept. @param {string} name @param {object} findings */
function save(name, findings) {
  if (quick) return;
  mkdirSync(RESULTS, { recursive: true });
  const machine = { node: process.version, cpu: cpus()[0]?.model, cores: cpus().length, kernel: release() };
  const record = { date: new Date().toISOString(), ...machine, runs, .../** @type {any} */ (findings).toJSON() };
  writeFileSync(fileURLToPath(new URL(`${name}.json`, RESULTS)), `${JSON.stringify(record, null, 2)}\n`);
}
