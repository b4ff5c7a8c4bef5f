import { TITLES } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { EMPTY, measure } from '../measure.mjs';

/** One sender, one listening receiver, 200 messages a second. @param {import('../measure.mjs').Setting} setting */
export async function run(setting) {
  const findings = new Findings('latency', 'Latency at 200/s, one sender to one listening receiver (POST → event)', [
    { name: 'p50', title: 'p50 ms', digits: 2 },
    { name: 'p99', title: 'p99 ms', digits: 2 },
    { name: 'max', title: 'max ms', digits: 1 },
  ]);
  const job = { receiver: 'henry', sender: 'jjeong', cursor: EMPTY, perSecond: 200, warm: 600, count: 2000 };
  if (setting.quick) Object.assign(job, { warm: 200, count: 600 });
  for (let i = 0; i < setting.runs; i += 1) {
    for (const who of /** @type {const} */ (['product', 'sync', 'memory', 'express', 'socketIo'])) {
      findings.add(who, TITLES[who], await measure(who, 'latency', job, setting));
    }
  }
  findings.goal('latency p50 to write+fdatasync', findings.ratio('product', 'sync', 'p50'), '≤', 1.25);
  findings.goal('latency p99 to write+fdatasync', findings.ratio('product', 'sync', 'p99'), '≤', 1.5);
  findings.notes.push('Socket.IO is driven by its own client on a bare WebSocket, all else by hand-made HTTP/1.1.');
  return findings;
}
