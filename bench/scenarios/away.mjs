import { TITLES } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { EMPTY, measure, names } from '../measure.mjs';

/** Compares receivers who are away with receivers who listen. @param {import('../measure.mjs').Setting} setting */
export async function run(setting) {
  const findings = new Findings('away', 'Throughput of 64 publishers, receivers away and listening (accepted)', [
    { name: 'accepted', title: 'accepted/s', digits: 0 },
    { name: 'cpuEach', title: 'CPU µs each', digits: 0 },
    { name: 'serverCpu', title: 'server CPU %', digits: 0, scale: 100 },
    { name: 'generatorCpu', title: 'generator CPU %', digits: 0, scale: 100 },
  ]);
  const seconds = setting.quick ? { warmSeconds: 1, seconds: 1.5 } : { warmSeconds: 2, seconds: 4 };
  for (let i = 0; i < setting.runs; i += 1) {
    for (const count of [32, 1]) {
      const job = { publishers: 64, receivers: names(count), cursor: EMPTY, ...seconds };
      for (const presence of ['away', 'listening']) {
        const found = await measure('product', 'throughput', { ...job, presence }, setting);
        findings.add(`${presence} ${count}`, `${TITLES.product}, ${count} ${presence}`, found);
      }
      const floor = await measure('group', 'throughput', { ...job, presence: 'gone' }, setting);
      findings.add(`floor ${count}`, `${TITLES.group}, ${count} away`, floor);
    }
  }
  for (const count of [32, 1]) {
    const ratio = findings.ratio(`away ${count}`, `listening ${count}`, 'accepted');
    findings.goal(`${count} away to listening`, ratio, '≥', 0.7);
    const toFloor = findings.ratio(`away ${count}`, `floor ${count}`, 'accepted');
    findings.goal(`${count} away to group commit per file`, toFloor, '≥', 0.8);
  }
  return findings;
}
