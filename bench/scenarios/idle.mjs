import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TITLES } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { EMPTY, measureIn } from '../measure.mjs';
import { freshDirectory, remove } from '../scratch.mjs';

/** Open streams on which nothing is sent. @param {import('../measure.mjs').Setting} setting */
export async function run(setting) {
  const findings = new Findings('idle', 'Idle streams, each of another receiver', [
    { name: 'bytesEach', title: 'KiB each', digits: 1, scale: 1 / 1024 },
    { name: 'cpu', title: '% of a core', digits: 1, scale: 100 },
    { name: 'p50', title: 'p50 ms', digits: 2 },
    { name: 'p99', title: 'p99 ms', digits: 2 },
    { name: 'openedMs', title: 'opened in ms', digits: 0 },
  ]);
  const job = setting.quick ? { seconds: 5, messages: 200 } : { seconds: 10, messages: 500 };
  for (let i = 0; i < setting.runs; i += 1) {
    for (const streams of [2000, 10_000]) {
      for (const who of /** @type {const} */ (['product', 'memory'])) {
        const dir = freshDirectory(setting.scratch);
        // Requests alone may make no more than 1,000 mailboxes.
        for (let n = 0; n < streams; n += 1) writeFileSync(join(dir, `r${n}.txt`), '', { mode: 0o600 });
        const found = await measureIn(dir, who, 'idle', { streams, cursor: EMPTY, ...job }, setting.scratch);
        remove(dir);
        findings.add(`${who} ${streams}`, `${TITLES[who]}, ${streams}`, found);
      }
    }
  }
  findings.ratio('product 2000', 'memory 2000', 'bytesEach');
  const memory = findings.ratio('product 10000', 'memory 10000', 'bytesEach');
  findings.goal('10,000 idle: memory each, to node:http', memory, '≤', 1.4);
  findings.goal('10,000 idle: % of a core', findings.values('product 10000', 'cpu'), '≤', 2);
  findings.goal('10,000 idle: message to any one, p99 ms', findings.values('product 10000', 'p99'), '≤', 25);
  return findings;
}
