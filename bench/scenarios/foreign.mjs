import { join } from 'node:path';
import { TITLES } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { measureIn } from '../measure.mjs';
import { freshDirectory, remove } from '../scratch.mjs';

/**
 * Another process appends 100 times a second to the mailbox of a listener.
 * @param {import('../measure.mjs').Setting} setting
 */
export async function run({ runs, quick, scratch }) {
  const findings = new Findings('foreign', 'Foreign appends at 100/s to a listening stream (append → event)', [
    { name: 'p50', title: 'p50 ms', digits: 2 },
    { name: 'p99', title: 'p99 ms', digits: 2 },
    { name: 'max', title: 'max ms', digits: 1 },
    { name: 'cpu', title: 'server % of a core', digits: 1, scale: 100 },
    { name: 'lost', title: 'lost', digits: 0 },
  ]);
  for (let i = 0; i < runs; i += 1) {
    const dir = freshDirectory(scratch);
    const job = { receiver: 'henry', file: join(dir, 'henry.txt'), perSecond: 100, count: quick ? 300 : 2000 };
    const found = await measureIn(dir, 'product', 'foreign', job, scratch);
    findings.add('product', TITLES.product, { ...found, lost: found.faults.lost });
    remove(dir);
  }
  findings.goal('foreign append p50 ms', findings.values('product', 'p50'), '≤', 1.2);
  findings.goal('foreign append p99 ms', findings.values('product', 'p99'), '≤', 8);
  findings.goal('foreign appends: % of a core', findings.values('product', 'cpu'), '≤', 8);
  findings.goal('foreign appends lost', findings.values('product', 'lost'), '≤', 0);
  return findings;
}
