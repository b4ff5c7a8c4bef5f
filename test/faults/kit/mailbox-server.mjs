/**
 * The server under test, as a separate process:
 *
 *     node mailbox-server.mjs '{"dir": "/tmp/x", "port": 20123, "pieceBytes": 65536}'
 *
 * Prints {"ready": port}; with "hold", it first prints {"held": true} and begins when a line comes in. SIGUSR2 blocks its
 * event loop. On SIGPWR it prints {"heldBytes": n}, its memory without garbage. It exits with 0 after
 * SIGTERM, and with 1 if the disk failed. CHAT_DIST: a build other than dist/.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const dist = process.env.CHAT_DIST ?? resolve(import.meta.dirname, '../../../dist');
const built = (file) => import(pathToFileURL(resolve(dist, file)).href);
const { FileMailboxes } = await built('index.js');
const { chatOf } = await built('mailbox-chat.js');
const { readOptions } = await built('words/read-options.js');

const {
  dir,
  port = 0,
  host = '127.0.0.1',
  hold = false,
  maxMessage,
  blockMs = 15_000,
  clockOffsetMs = 0,
  hurry = 1,
  verbose = false,
  sendRate = 0,
  ...options
} = JSON.parse(process.argv[2]);

/** Speeds up waits for idleness, which may take hours, so that a test sees what comes after them. */
if (hurry !== 1) {
  const uptimeMs = performance.now.bind(performance);
  performance.now = () => uptimeMs() * hurry;
}
process.on('message', () => undefined);
process.on('SIGXFSZ', () => undefined); // like the command: then the write fails instead
process.on('SIGUSR2', () => blockFor(blockMs));
process.on('SIGPWR', () => {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  say({ heldBytes: heapUsed + arrayBuffers });
});

if (hold) {
  say({ held: true });
  await once(process.stdin, 'data');
  process.stdin.destroy(); // an open stdin would keep the process alive
}

const log = (fields, message) => {
  if (verbose) process.stderr.write(`${message} ${fields.err?.stack ?? fields.err ?? ''} ${fields.err?.cause ?? ''}\n`);
};
const logger = { debug: () => undefined, info: log, warn: log, error: log };
const onFatal = (error) => {
  process.stderr.write(`fatal: ${error.message}\n`);
  process.exitCode = 1;
  setTimeout(() => process.exit(1), 100);
};
const now = clockOffsetMs === 0 ? Date.now : () => Date.now() + clockOffsetMs;
const openFiles = () => new FileMailboxes(dir, { logger, onFatal, now, ...options });
const chat = chatOf(readOptions({ dir, logger, sendRate, ...(maxMessage && { maxMessage }) }), openFiles);
const server = createServer(chat);

process.on('SIGTERM', () => void stop());

async function stop() {
  server.close();
  await chat.close();
  server.closeIdleConnections();
  process.exitCode ??= 0;
  process.disconnect?.();
  setTimeout(() => server.closeAllConnections(), 1000).unref();
}

server.listen(port, host, () => {
  const ready = () => say({ ready: server.address().port });
  chat.ready().then(ready, ready); // also if it is not ready: some tests check its answers then
});

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function collectGarbage() {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  gc();
  gc(); // the second run frees what was outside the heap
}

function blockFor(ms) {
  const until = Date.now() + ms;
  while (Date.now() < until);
}
