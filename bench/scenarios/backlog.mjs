import { join } from 'node:path';
import { TITLES, commandOf } from '../contenders.mjs';
import { Findings } from '../findings.mjs';
import { writeMailbox } from '../frames.mjs';
import { EMPTY } from '../measure.mjs';
import { cpuSeconds, runJob, startServer } from '../processes.mjs';
import { freshDirectory, remove } from '../scratch.mjs';

const JOB_MS = 120_000;
/** @type {Record<string, number>} */
const GOAL_SECONDS = { '20000 cold': 0.1, '20000 warm': 0.045, '100000 cold': 0.75, '100000 warm': 0.18 };
const EVERY_MS = 10;
const COUNTS = [20_000, 100_000];

/** The first of these finds a server that has just been started; the others a warm one. */
const RECEIVERS = ['cold', 'warm1', 'warm2', 'warm3'];

/** Mail that waits in the mailbox when its receiver connects. @param {import('../measure.mjs').Setting} setting */
export async function run(setting) {
  const findings = new Findings('backlog', 'Backlog: from connecting until the last of the waiting messages', [
    { name: 'firstMs', title: 'first byte ms', digits: 1 },
    { name: 'lastMs', title: 'last message ms', digits: 0 },
    { name: 'cpuMs', title: 'server CPU ms', digits: 0 },
  ]);
  for (let i = 0; i < setting.runs; i += 1) {
    for (const count of COUNTS) {
      for (const who of /** @type {const} */ (['product', 'bareFile'])) await readAll(who, count, findings, setting);
    }
  }
  for (const count of COUNTS) {
    for (const state of ['cold', 'warm']) {
      const row = `product ${count} ${state}`;
      const seconds = findings.values(row, 'lastMs').map((ms) => ms / 1000);
      findings.goal(
        `backlog of ${count}, ${state} server, s`,
        seconds,
        '≤',
        GOAL_SECONDS[`${count} ${state}`] ?? Infinity,
      );
      findings.goal(`first byte, ${count}, ${state} server, ms`, findings.values(row, 'firstMs'), '≤', 15);
      findings.ratio(row, `bareFile ${count} ${state}`, 'lastMs');
    }
  }
  return findings;
}

/**
 * @param {'product' | 'bareFile'} who @param {number} count @param {Findings} findings
 * @param {import('../measure.mjs').Setting} setting
 */
async function readAll(who, count, findings, { scratch }) {
  const dir = freshDirectory(scratch);
  for (const receiver of RECEIVERS) writeMailbox(join(dir, `${receiver}.txt`), receiver, 'jjeong', count, EVERY_MS);
  const server = await startServer(commandOf(who, dir), scratch);
  try {
    for (const receiver of RECEIVERS) {
      const { port, pid } = server;
      const cpuBefore = cpuSeconds(pid);
      const found = await runJob('backlog', { port, receiver, sender: 'jjeong', count, cursor: EMPTY }, JOB_MS);
      const state = receiver === 'cold' ? 'cold' : 'warm';
      const cpuMs = (cpuSeconds(pid) - cpuBefore) * 1000;
      findings.add(`${who} ${count} ${state}`, `${TITLES[who]}, ${count}, ${state}`, { ...found, cpuMs });
    }
  } finally {
    await server.stop();
    remove(dir);
  }
}
