import { expect, test } from '@jest/globals';
import { Agent, request } from 'node:http';
import { ServerProcess } from '../faults/kit/server-process.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';

const PATHS = [
  (name: string) => `/history?receiver=${name}&sender=henry`,
  (name: string) => `/people?receiver=${name}`,
  (name: string) => `/status?receiver=${name}&since=all&wait=0`,
];

/** Asks for mailboxes with made-up names. */
async function askFor(port: number, from: number, count: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const headers = { Accept: 'application/json' };
  const ask = (i: number): Promise<void> =>
    new Promise((resolve, reject) => {
      const path = PATHS[i % PATHS.length]!(`nobody${from + i}`);
      const req = request({ host: '127.0.0.1', port, path, agent, headers }, (res) =>
        res.resume().once('end', resolve),
      );
      req.once('error', reject).end();
    });
  for (let i = 0; i < count; i += 100) {
    await Promise.all(Array.from({ length: Math.min(100, count - i) }, (_, lane) => ask(i + lane)));
  }
  agent.destroy();
}

test('made-up names take no memory', async () => {
  const server = await ServerProcess.start({ dir: temporaryDirectory() });
  afterThisTest(() => server.kill());
  await askFor(server.port, 0, 2000);
  const before = await server.heldBytes();

  await askFor(server.port, 2000, 8000);

  expect((await server.heldBytes()) - before).toBeLessThan(2 * 1024 * 1024);
}, 60_000);
