/**
 * The long form of test/security/fuzz.test.ts: requests of any shape against the command as users start it.
 *
 *     npm run fuzz [-- --requests 100000] [--seed 7]
 *
 * Exits 1 and prints the request if a server fails, ends, logs an error, or writes outside its directory.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

if (!('typescript' in process.features)) register('./ts-hooks.mjs', import.meta.url);
const { fuzz } = await import('../test/security/kit/fuzz.ts');

const { values } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, seed: { type: 'string' } },
});
const BIN = fileURLToPath(new URL('../bin/mailbox-chat.cjs', import.meta.url));
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const parent = mkdtempSync(join(tmpdir(), 'mailbox-chat-fuzz-'));
const complaints = [];

const servers = await Promise.all([serve('open'), serve('links')]);
const key = invite('links');
const startedMs = performance.now();
console.log(`seed ${seed}`);
try {
  const statuses = await fuzz({
    ports: servers.map(({ port }) => port),
    requests: Number(values.requests),
    seed,
    credentials: [{ authorization: `Bearer ${key}` }, { authorization: `Bearer ${key}` }, {}],
    onBatch: (made) => made % 10_000 === 0 && console.log(`${made} requests`),
  });
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  console.log(
    `${values.requests} requests in ${seconds} s:`,
    Object.fromEntries([...statuses].toSorted(([a], [b]) => a - b)),
  );
} catch (error) {
  complaints.push(error.message);
}
for (const server of servers) await check(server);
const strange = readdirSync(parent).filter((name) => !['open', 'links'].includes(name));
if (strange.length > 0) complaints.push(`written outside: ${strange.join()}`);
for (const { child } of servers) child.kill();
rmSync(parent, { recursive: true, force: true });
for (const complaint of complaints) console.error(complaint);
process.exit(complaints.length > 0 ? 1 : 0);

async function serve(access) {
  const place = join(parent, access);
  mkdirSync(place);
  writeFileSync(join(place, 'henry.txt'), 'not a mailbox');
  const args = [BIN, '--port', '0', '--dir', join(place, 'mailboxes'), '--access', access, '--send-rate', '0'];
  const child = spawn(process.execPath, [...args, '--log-format', 'json'], {
    cwd: place,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const server = { access, place, child, log: '', port: 0 };
  child.stderr.setEncoding('utf8').on('data', (text) => (server.log = (server.log + text).slice(-1_000_000)));
  const [line] = await new Promise((resolve, reject) => {
    child.stdout.setEncoding('utf8').once('data', (text) => resolve(text.split('\n')));
    child.once('exit', () => reject(new Error(`the server did not start: ${server.log}`)));
  });
  server.port = JSON.parse(line).port;
  return server;
}

function invite(access) {
  const dir = join(parent, access, 'mailboxes');
  const link = execFileSync(process.execPath, [BIN, 'invite', 'henry', '--dir', dir], {
    encoding: 'utf8',
    stdio: 'pipe',
  });
  return /#key=(\S+)/.exec(link)[1];
}

async function check({ access, place, child, log, port }) {
  if (child.exitCode !== null || child.signalCode !== null) {
    complaints.push(`${access}: the server has ended: ${log}`);
    return;
  }
  const health = await fetch(`http://127.0.0.1:${port}/readyz`);
  if (!health.ok) complaints.push(`${access}: not ready any more`);
  const beside = readdirSync(place).filter((name) => !['mailboxes', 'henry.txt'].includes(name));
  if (beside.length > 0) complaints.push(`${access}: written outside: ${beside.join()}`);
  const lines = log.split('\n').slice(1, -1);
  for (const line of lines) {
    try {
      if (JSON.parse(line).level >= 50) complaints.push(`${access}: ${line}`);
    } catch {
      complaints.push(`${access}: not a line of JSON: ${line}`);
    }
  }
}
