import { TITLES } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { EMPTY, measure, names } from '../measure.mjs';

const CONTENDERS = /** @type {const} */ (['product', 'memory', 'sync', 'group', 'journal', 'express', 'socketIo']);

/** 64 publishers, one message in flight each. @param {import('../measure.mjs').Setting} setting */
export async function run(setting) {
  const findings = new Findings('throughput', 'Throughput of 64 publishers to listening receivers', [
    { name: 'accepted', title: 'accepted/s', digits: 0 },
    { name: 'delivered', title: 'delivered/s', digits: 0 },
    { name: 'cpuEach', title: 'CPU µs each', digits: 0 },
    { name: 'serverCpu', title: 'server CPU %', digits: 0, scale: 100 },
    { name: 'generatorCpu', title: 'generator CPU %', digits: 0, scale: 100 },
  ]);
  const seconds = setting.quick ? { warmSeconds: 1, seconds: 1.5 } : { warmSeconds: 2, seconds: 4 };
  const job = { publishers: 64, presence: 'listening', ...seconds };
  for (let i = 0; i < setting.runs; i += 1) {
    for (const count of [32, 1]) {
      const settings = { ...job, receivers: names(count), cursor: EMPTY };
      for (const who of CONTENDERS) {
        findings.add(
          `${who} ${count}`,
          `${TITLES[who]}, to ${count}`,
          await measure(who, 'throughput', settings, setting),
        );
      }
      const anonymous = await measure('product', 'throughput', { ...settings, cursor: undefined }, setting);
      findings.add(`anonymous ${count}`, `${TITLES.product}, to ${count} without a cursor`, anonymous);
    }
  }
  goals(findings);
  findings.notes.push(
    "Socket.IO is driven by its own client on a bare WebSocket, all else by hand-made HTTP/1.1. Where the generator's CPU is near 100 %, it was the limit, not the server.",
  );
  return findings;
}

/** @param {Findings} findings */
function goals(findings) {
  const to = (/** @type {string} */ who, /** @type {number} */ count) =>
    findings.ratio(`product ${count}`, `${who} ${count}`, 'delivered');
  findings.goal('throughput to 32, to group commit per file', to('group', 32), '≥', 0.85);
  findings.goal('throughput to 32, to Express + better-sse', to('express', 32), '≥', 1.4);
  findings.goal('throughput to 1, to group commit per file', to('group', 1), '≥', 0.8);
  findings.goal('throughput to 1, to Express + better-sse', to('express', 1), '≥', 2);
  for (const count of [32, 1]) for (const who of ['memory', 'sync', 'journal', 'socketIo']) to(who, count);
}
