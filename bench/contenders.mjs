/** The contenders: the product, and the floors and peers that it is compared with. */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** @typedef {keyof typeof TITLES} Contender */

export const TITLES = {
  product: 'mailbox-chat',
  memory: 'node:http, memory only',
  sync: 'node:http, write+fdatasync each',
  group: 'node:http, group commit per file',
  journal: 'node:http, one journal',
  express: 'Express 5 + better-sse (memory)',
  socketIo: 'Socket.IO, state recovery (memory)',
  bareFile: 'node:http, file to socket',
  transports: 'node:http and ws, memory only',
};

const FILES = {
  memory: 'raw-memory',
  sync: 'raw-sync',
  group: 'raw-group',
  journal: 'raw-journal',
  express: 'express-better-sse',
  socketIo: 'socket-io',
  bareFile: 'bare-file',
  transports: 'transports',
};

/** BENCH_PRODUCT=<path to bin/mailbox-chat.cjs> measures another version than this one. */
const PRODUCT = process.env['BENCH_PRODUCT'] ?? fileURLToPath(new URL('../bin/mailbox-chat.cjs', import.meta.url));

/** The command line that serves from `dir`. @param {Contender} who @param {string} dir @returns {string[]} */
export function commandOf(who, dir) {
  if (who === 'product') return [...productNode(), PRODUCT, '--port', '0', '--dir', dir, '--no-open', ...unlimited()];
  return [process.execPath, fileURLToPath(new URL(`servers/${FILES[who]}.mjs`, import.meta.url)), dir];
}

/** @param {Contender} who */
export function transportOf(who) {
  return who === 'socketIo' ? 'socket.io' : 'http';
}

/** BENCH_PROFILES=<dir> writes a CPU profile of every product process there. */
function productNode() {
  const profiles = process.env['BENCH_PROFILES'];
  return profiles ? [process.execPath, '--cpu-prof', `--cpu-prof-dir=${profiles}`] : [process.execPath];
}

/** @type {string[] | undefined} */
let unlimitedArgs;

/** With a limit on sends, we would measure only that limit. */
function unlimited() {
  unlimitedArgs ??= spawnSync(process.execPath, [PRODUCT, '--help'], { encoding: 'utf8' }).stdout.includes(
    '--send-rate',
  )
    ? ['--send-rate', '0']
    : [];
  return unlimitedArgs;
}
