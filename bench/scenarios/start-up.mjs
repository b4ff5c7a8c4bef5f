import { TITLES, commandOf } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { startServer } from '../processes.mjs';
import { freshDirectory } from '../scratch.mjs';

const STARTS = 5;

/** From spawn to the ready line. @param {import('../measure.mjs').Setting} setting */
export async function run({ runs, scratch }) {
  const findings = new Findings('start-up', 'Start-up: spawn → ready', [{ name: 'startMs', title: 'ms', digits: 0 }]);
  for (let i = 0; i < runs * STARTS; i += 1) {
    for (const who of /** @type {const} */ (['product', 'memory', 'express', 'socketIo'])) {
      const server = await startServer(commandOf(who, freshDirectory(scratch)), scratch);
      await server.stop();
      findings.add(who, TITLES[who], { startMs: server.startMs });
    }
  }
  findings.ratio('product', 'memory', 'startMs');
  findings.goal('start-up ms', findings.values('product', 'startMs'), '≤', 300);
  return findings;
}
