import { readFileSync } from 'node:fs';
import { commandOf, transportOf } from './contenders.mjs';
import { runJob, startServer } from './processes.mjs';
import { freshDirectory, remove } from './scratch.mjs';

/**
 * The settings of every scenario.
 * @typedef {object} Setting
 * @property {number} runs
 * @property {boolean} quick  a short run, to see that it works: its figures mean little
 * @property {string} scratch
 */

/**
 * How to start a server, if not with its own arguments on its own core.
 * @typedef {object} Start
 * @property {readonly string[]} [args]  more of its command line
 * @property {string} [cores]  as taskset takes them
 */

/** The cursor of an empty mailbox: our pages always have one. */
export const EMPTY = '0-0';

const JOB_MS = 300_000; // opening 10,000 streams takes its time on a busy machine

/**
 * Runs one job against a new server with an empty directory and a whole core.
 * @param {import('./contenders.mjs').Contender} who @param {string} job @param {Record<string, unknown>} settings
 * @param {Setting} setting @param {Start} [start]
 */
export async function measure(who, job, settings, { scratch }, start) {
  const dir = freshDirectory(scratch);
  try {
    return await measureIn(dir, who, job, settings, scratch, start);
  } finally {
    remove(dir);
  }
}

/**
 * The same in an existing directory.
 * @param {string} dir @param {import('./contenders.mjs').Contender} who @param {string} job
 * @param {Record<string, unknown>} settings @param {string} scratch @param {Start} [start]
 */
export async function measureIn(dir, who, job, settings, scratch, { args = [], cores } = {}) {
  const server = await startServer([...commandOf(who, dir), ...args], scratch, cores);
  try {
    const { port, pid, startMs } = server;
    return { startMs, ...(await runJob(job, { port, pid, transport: transportOf(who), ...settings }, JOB_MS)) };
  } catch (error) {
    throw new Error(`${who} wrote:\n${readFileSync(server.log, 'utf8').slice(-2000)}`, { cause: error });
  } finally {
    await server.stop();
  }
}

/** @param {number} count */
export function names(count) {
  return Array.from({ length: count }, (_, i) => `r${i}`);
}
