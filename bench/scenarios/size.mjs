import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commandOf } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { writeMailbox } from '../frames.mjs';
import { EMPTY } from '../measure.mjs';
import { runJob, startServer } from '../processes.mjs';
import { elapsed } from '../generator/failing.mjs';
import { freshDirectory, remove } from '../scratch.mjs';

const JOB_MS = 300_000;
const STARTS = 5;
const MISSED = 20;
const LOOK_AGAIN_SECONDS = 0.2;

/**
 * Compares a directory of 100,000 mailboxes, and a log of 1,000,000 messages for the receiver, with an empty one. There
 * should be no difference.
 * @param {import('../measure.mjs').Setting} setting
 */
export async function run({ runs, quick, scratch }) {
  const findings = new Findings('size', 'A big directory and a long log, against an empty directory', [
    { name: 'startMs', title: 'start-up ms', digits: 0 },
    { name: 'p50', title: 'latency p50 ms', digits: 2 },
    { name: 'p99', title: 'latency p99 ms', digits: 2 },
    { name: 'delivered', title: 'delivered/s', digits: 0 },
    { name: 'firstReconnectMs', title: 'first reconnect ms', digits: 1 },
    { name: 'reconnectMs', title: 'reconnect ms', digits: 2 },
  ]);
  const size = quick ? { mailboxes: 10_000, messages: 100_000 } : { mailboxes: 100_000, messages: 1_000_000 };
  const big = freshDirectory(scratch);
  await fill(big, size, scratch);
  execFileSync('sync'); // otherwise the disk is still busy during the first runs
  for (let i = 0; i < runs; i += 1) {
    const empty = freshDirectory(scratch);
    findings.add('empty', 'empty', await measureAll(empty, i, quick, scratch));
    findings.add(
      'big',
      `${size.mailboxes} mailboxes, log of ${size.messages}`,
      await measureAll(big, i, quick, scratch),
    );
    remove(empty);
  }
  remove(big);
  for (const metric of ['startMs', 'p50', 'p99', 'firstReconnectMs', 'reconnectMs']) {
    findings.goal(`big directory and log: ${metric}`, findings.ratio('big', 'empty', metric), '≤', 1.1);
  }
  findings.goal('big directory and log: throughput', findings.ratio('big', 'empty', 'delivered'), '≥', 0.91);
  return findings;
}

/**
 * Makes the log as every log is made: mail waits, and its receiver connects.
 * @param {string} dir @param {{ mailboxes: number, messages: number }} size @param {string} scratch
 */
async function fill(dir, { mailboxes, messages }, scratch) {
  for (let i = 0; i < mailboxes; i += 1) writeFileSync(join(dir, `person${i}.txt`), '', { mode: 0o600 });
  writeMailbox(join(dir, 'henry.txt'), 'henry', 'jjeong', messages, 1000);
  const server = await startServer(commandOf('product', dir), scratch);
  try {
    const { port } = server;
    await runJob('backlog', { port, receiver: 'henry', sender: 'jjeong', count: messages, cursor: EMPTY }, JOB_MS);
    const takes = join(dir, '.taken', 'henry');
    while (existsSync(takes) && readdirSync(takes).length > 0) await elapsed(LOOK_AGAIN_SECONDS);
  } finally {
    await server.stop();
  }
}

/** @param {string} dir @param {number} run @param {boolean} quick @param {string} scratch */
async function measureAll(dir, run, quick, scratch) {
  const startMs = await fastestStart(dir, scratch);
  const cursor = await mailToMiss(dir, run, scratch);
  const server = await startServer(commandOf('product', dir), scratch); // has not read the log yet
  try {
    const { port, pid } = server;
    const target = { port, pid, transport: 'http' };
    const times = quick ? 20 : 200;
    const missing = { ...target, receiver: 'henry', cursor, missed: MISSED, times };
    const reconnect = await runJob('reconnect', missing, JOB_MS);

    const steady = { sender: `latency${run}`, perSecond: 200, warm: quick ? 200 : 600, count: quick ? 400 : 2000 };
    const one = { ...target, ...steady, receiver: 'henry', cursor: await newest(port) };
    const { p50, p99, faults: oneByOne } = await runJob('latency', one, JOB_MS);

    const seconds = quick ? { warmSeconds: 1, seconds: 1 } : { warmSeconds: 2, seconds: 4 };
    const many = { ...target, ...seconds, receivers: ['henry'], publishers: 64, presence: 'listening' };
    const from = { sender: `s${run}`, cursor: await newest(port) };
    const { delivered, faults: atOnce } = await runJob('throughput', { ...many, ...from }, JOB_MS);

    const faults = { ...prefixed('one by one', oneByOne), ...prefixed('at once', atOnce) };
    return { startMs, p50, p99, delivered, firstReconnectMs: reconnect.firstMs, reconnectMs: reconnect.p50, faults };
  } finally {
    await server.stop();
  }
}

/** @param {string} dir @param {string} scratch */
async function fastestStart(dir, scratch) {
  let least = Infinity;
  for (let i = 0; i < STARTS; i += 1) {
    const server = await startServer(commandOf('product', dir), scratch);
    least = Math.min(least, server.startMs);
    await server.stop();
  }
  return least;
}

/**
 * Posts messages and returns the cursor before the last of them.
 * @param {string} dir @param {number} run @param {string} scratch
 */
async function mailToMiss(dir, run, scratch) {
  const server = await startServer(commandOf('product', dir), scratch);
  try {
    let cursor = '';
    for (let i = 0; i <= MISSED; i += 1) {
      const body = JSON.stringify({ sender: 'missed', receiver: 'henry', message: `m${i}`, key: `missed.${run}.${i}` });
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(`http://127.0.0.1:${server.port}/messages`, { method: 'POST', headers, body });
      const { id } = /** @type {{ id: string }} */ (await answer.json());
      if (i === 0) cursor = id;
    }
    await newest(server.port); // to read one's own history drains the mailbox
    return cursor;
  } finally {
    await server.stop();
  }
}

/** The cursor that a page begins with. @param {number} port */
async function newest(port) {
  const answer = await fetch(`http://127.0.0.1:${port}/history?receiver=henry&sender=jjeong&limit=1`);
  const { cursor } = /** @type {{ cursor: string }} */ (await answer.json());
  return cursor;
}

/** @param {string} prefix @param {Record<string, number>} faults */
function prefixed(prefix, faults) {
  return Object.fromEntries(Object.entries(faults).map(([name, count]) => [`${prefix} ${name}`, count]));
}
