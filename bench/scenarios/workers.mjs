import { availableParallelism } from 'node:os';
import { Findings } from '../findings.mjs';
import { EMPTY, measure, names } from '../measure.mjs';

const CORES = availableParallelism();
const ALL = `0-${CORES - 1}`;

/** 64 publishers to 32 listening receivers, spread over workers. @param {import('../measure.mjs').Setting} setting */
export async function run(setting) {
  const findings = new Findings('workers', `Throughput of 64 publishers to 32 listening receivers, ${CORES} cores`, [
    { name: 'accepted', title: 'accepted/s', digits: 0 },
    { name: 'delivered', title: 'delivered/s', digits: 0 },
    { name: 'cpuEach', title: 'CPU µs each', digits: 0 },
    { name: 'serverCpu', title: 'server CPU %', digits: 0, scale: 100 },
    { name: 'generatorCpu', title: 'generator CPU %', digits: 0, scale: 100 },
  ]);
  const seconds = setting.quick ? { warmSeconds: 1, seconds: 1.5 } : { warmSeconds: 3, seconds: 6 };
  const job = { publishers: 64, presence: 'listening', receivers: names(32), cursor: EMPTY, ...seconds };
  for (let i = 0; i < setting.runs; i += 1) {
    for (const [workers, cores] of /** @type {const} */ ([
      [1, '0'],
      [1, ALL],
      [2, ALL],
      [4, ALL],
    ])) {
      const where = cores === '0' ? 'a core of its own' : 'all cores';
      const title = `${workers} ${workers === 1 ? 'process' : 'workers'}, ${where}`;
      const found = await measure('product', 'throughput', job, setting, { args: ['--workers', `${workers}`], cores });
      findings.add(`${workers} ${cores}`, title, found);
    }
  }
  findings.notes.push(
    `The load generator has core 1 to itself in the first row and shares it in the others: on ${CORES} cores it takes from the workers what it uses itself.`,
    'CPU is of the server and its workers together. With workers, most senders have another worker than the receiver: the workers write one log by turns and tell each other.',
  );
  return findings;
}
