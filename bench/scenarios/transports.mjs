import { Findings } from '../findings.mjs';
import { measure, names } from '../measure.mjs';

/** The transport, the contender, and the title of the row. */
const ROWS = /** @type {const} */ ([
  ['poll', 'product', 'polling, every second'],
  ['longPoll', 'product', 'long polling'],
  ['lines', 'product', 'lines of JSON'],
  ['eventStream', 'product', 'event stream'],
  ['eventStream', 'transports', 'event stream (floor)'],
  ['multipart', 'transports', 'multipart (floor)'],
  ['webSocket', 'transports', 'WebSocket (floor)'],
]);

/**
 * What it costs to deliver a message to a listener, for each transport.
 * @param {import('../measure.mjs').Setting} setting
 */
export async function run(setting) {
  const findings = new Findings('transports', '100 listeners: at rest, a message a second each, 20 at once each', [
    { name: 'idleRequests', title: 'at rest: requests/min', digits: 0 },
    { name: 'idleBytes', title: 'at rest: bytes/min', digits: 0 },
    { name: 'requests', title: '1/s: requests/message', digits: 2 },
    { name: 'p50', title: '1/s: p50 ms', digits: 2 },
    { name: 'p99', title: '1/s: p99 ms', digits: 1 },
    { name: 'up', title: '1/s: bytes up', digits: 0 },
    { name: 'down', title: '1/s: bytes down', digits: 0 },
    { name: 'burstRequests', title: 'burst: requests/message', digits: 2 },
    { name: 'burstP50', title: 'burst: p50 ms', digits: 2 },
    { name: 'burstP99', title: 'burst: p99 ms', digits: 1 },
    { name: 'burstBytes', title: 'burst: bytes/message', digits: 0 },
    { name: 'burstCpu', title: 'burst: server CPU µs/message', digits: 0 },
  ]);
  const job = { receivers: names(100), idleSeconds: 1.5, seconds: 3, burst: 20 };
  if (setting.quick) Object.assign(job, { receivers: names(20), idleSeconds: 1, seconds: 1, burst: 5 });
  for (let i = 0; i < setting.runs; i += 1) {
    for (const [by, who, title] of ROWS) {
      findings.add(`${by} ${who}`, title, await measure(who, 'transports', { by, ...job }, setting));
    }
  }
  findings.notes.push(
    'Bytes are those of HTTP and WebSocket at the listener, without TCP and IP; those of WebSocket are the data itself and a head of 4.',
    'Accepting the messages is part of the CPU. The floors keep nothing; the product answers when a message is on disk.',
  );
  return findings;
}
