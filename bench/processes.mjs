/** Starts the server and the load generator, each on a core of its own, and measures them from outside. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const SERVER_CORE = 0;
const GENERATOR_CORE = 1;
const READY_MS = 60_000;
const STOP_MS = 8_000;
const TICKS_PER_SECOND = 100;
const GENERATOR = fileURLToPath(new URL('generator/generator.mjs', import.meta.url));

/** As many open files as the system allows, then the command on one core. */
const PINNED = 'ulimit -n "$(ulimit -Hn)"; exec taskset -c "$@"';

/**
 * @typedef {object} Running
 * @property {number} pid
 * @property {number} port
 * @property {number} startMs  from spawn to the ready line
 * @property {string} log  path of what it wrote to stderr
 * @property {() => Promise<void>} stop
 */

/**
 * Starts a server and resolves when it has printed, in one line of JSON, where it listens.
 * @param {readonly string[]} command @param {string} scratch  a directory for its log
 * @param {string} [cores]  where it may run, as taskset takes it
 * @returns {Promise<Running>}
 */
export async function startServer(command, scratch, cores = String(SERVER_CORE)) {
  const log = join(scratch, `stderr-${process.hrtime.bigint()}.txt`);
  const stderr = openSync(log, 'w');
  const begun = performance.now();
  const child = spawn('sh', ['-c', PINNED, 'sh', cores, ...command], {
    stdio: ['ignore', 'pipe', stderr],
  });
  closeSync(stderr);
  const { port, startMs } = await readyLine(child, begun, command, log);
  const pid = /** @type {number} */ (child.pid); // sh and taskset have replaced themselves with the command
  const exited = once(child, 'exit');
  return { pid, port, startMs, log, stop: () => stop(child, exited) };
}

/**
 * @param {import('node:child_process').ChildProcess} child @param {number} begun
 * @param {readonly string[]} command @param {string} log
 * @returns {Promise<{ port: number, startMs: number }>}
 */
function readyLine(child, begun, command, log) {
  const stdout = /** @type {import('node:stream').Readable} */ (child.stdout);
  return new Promise((resolve, reject) => {
    const fail = (/** @type {string} */ why) => {
      child.kill('SIGKILL');
      reject(new Error(`${command.join(' ')}: ${why}\n${readFileSync(log, 'utf8').slice(-2000)}`));
    };
    const timer = setTimeout(() => fail('was not ready in time'), READY_MS);
    child.once('exit', (code) => fail(`ended with ${code} before it was ready`));
    createInterface(stdout).once('line', (line) => {
      clearTimeout(timer);
      child.removeAllListeners('exit');
      stdout.resume();
      resolve({ port: JSON.parse(line).port, startMs: performance.now() - begun });
    });
  });
}

/** @param {import('node:child_process').ChildProcess} child @param {Promise<unknown>} exited */
async function stop(child, exited) {
  if (child.exitCode !== null || child.signalCode !== null) {
    throw new Error(`the server ended by itself (${child.exitCode ?? child.signalCode})`);
  }
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await exited;
  clearTimeout(timer);
}

/**
 * Runs one job in a new load generator and resolves to its result.
 * @param {string} job @param {Record<string, unknown>} settings @param {number} limitMs
 * @returns {Promise<any>}
 */
export function runJob(job, settings, limitMs) {
  const args = ['-c', PINNED, 'sh', String(GENERATOR_CORE), process.execPath, GENERATOR];
  const child = spawn('sh', args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`the job "${job}" took longer than ${limitMs} ms`));
    }, limitMs);
    child.once('message', (result) => {
      clearTimeout(timer);
      const { error, ...found } = /** @type {{ error?: string }} */ (result);
      if (error === undefined) resolve(found);
      else reject(new Error(`the job "${job}" failed: ${error}`));
    });
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`the load generator ended with ${code} during "${job}"`));
    });
    child.send({ job, ...settings });
  });
}

/** Seconds of CPU that a process has used, all threads together. @param {number} pid */
export function cpuSeconds(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** Memory that a process holds, in bytes. @param {number} pid */
export function residentBytes(pid) {
  const kib = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(kib) * 1024;
}
