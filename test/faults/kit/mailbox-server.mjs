/**
 * The server under test, as a process of its own:
 *
 *     node mailbox-server.mjs '{"dir": "/tmp/x", "port": 20123, "pieceBytes": 65536}'
 *
 * Says {"ready": port} on stdout; with "hold", says {"held": true} first and begins when a line comes in. On SIGUSR2 its
 * event loop is blocked, on SIGPWR it says {"heldBytes": n}, its memory without what is only garbage. Exits 0 after
 * SIGTERM, 1 when the disk failed. CHAT_DIST: a build other than dist/.
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

/** Waits that are counted in hours of idleness pass sooner, so that a test may see what comes after them. */
if (hurry !== 1) {
  const uptimeMs = performance.now.bind(performance);
  performance.now = () => uptimeMs() * hurry;
}
process.on('message', () => undefined);
process.on('SIGXFSZ', () => undefined); // as the command does: the write fails then
process.on('SIGUSR2', () => blockFor(blockMs));
process.on('SIGPWR', () => {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  say({ heldBytes: heapUsed + arrayBuffers });
});

if (hold) {
  say({ held: true });
  await once(process.stdin, 'data');
  process.stdin.destroy(); // it would keep the process alive
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
  chat.ready().then(ready, ready); // not ready: some tests want to see what it answers then
});

function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

function collectGarbage() {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc');
  gc();
  gc(); // what stood outside the heap goes with the second
}

function blockFor(ms) {
  const until = Date.now() + ms;
  while (Date.now() < until);
}
