/**
 * Measures the memory that a mailbox costs a NATS server: makes many with one message each, on a server of its own.
 *
 *     NATS_SERVER=/usr/sbin/nats-server node scripts/nats-mailboxes.mjs 500000
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { register } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

if (!('typescript' in process.features)) register('./ts-hooks.mjs', import.meta.url);
const { freePort, tracked } = await import('../test/faults/kit/server-process.ts');
const { until } = await import('../test/support/until.ts');

const AT_ONCE = 2000;
const count = Number(process.argv[2] ?? 100_000);
const message = JSON.stringify({ sender: 'jjeong', receiver: 'henry', message: 'x'.repeat(100), time: '', key: '' });

const dir = mkdtempSync(join(tmpdir(), 'mailbox-chat-nats-'));
const [port, monitor] = [await freePort(), await freePort()];
// Only memory is measured: the disks need not sync.
const config = `listen: "127.0.0.1:${port}"\n http: "127.0.0.1:${monitor}"\n jetstream { store_dir: "${dir}" }`;
writeFileSync(join(dir, 'nats.conf'), config);
const server = tracked(
  spawn(process.env.NATS_SERVER ?? 'nats-server', ['--config', join(dir, 'nats.conf')], { stdio: 'ignore' }),
);
try {
  await until('nats-server', () => memory().then(Boolean, () => false));
  const nc = await connect({ servers: `127.0.0.1:${port}` });
  const { streams } = await jetstreamManager(nc);
  const name = 'MAIL';
  await streams.add({ name, subjects: ['mail.*'], max_msgs_per_subject: 200_000, allow_direct: true });
  const before = await memory();
  for (let from = 0; from < count; from += AT_ONCE) {
    const subjects = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => `mail.${token(from + i)}`);
    await Promise.all(subjects.map((subject) => nc.request(subject, message, { timeout: 20_000 })));
  }
  await new Promise((resolve) => setTimeout(resolve, 20_000)); // until then, the server drops what it has only cached
  const after = await memory();
  console.log(JSON.stringify({ mailboxes: count, before, after, bytesEach: Math.round((after - before) / count) }));
  await nc.close();
} finally {
  server.kill('SIGKILL');
  rmSync(dir, { recursive: true, force: true });
}

/** Names like people's, in base64url. */
function token(i) {
  return Buffer.from(`somebody-${i.toString(36)}`).toString('base64url');
}

async function memory() {
  const { mem } = await (await fetch(`http://127.0.0.1:${monitor}/varz`)).json();
  return mem;
}
