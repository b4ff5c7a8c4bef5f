import { chmodSync, mkdirSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterEach, expect, test } from '@jest/globals';
import { cleanUp, serve, temporaryDirectory } from '../command/running.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { say } from '../support/requests.ts';

afterEach(cleanUp);

test('a server starts although the owner dies again and again, and takes over once it is gone', async () => {
  const dir = temporaryDirectory();
  mkdirSync(join(dir, '.owner'), { mode: 0o700 });
  const connections = new Set<Socket>();
  const dying = createServer((socket) => {
    connections.add(socket.on('error', () => undefined));
    socket.once('data', () => socket.destroy());
  });
  afterThisTest(() => dying.close());
  await once(dying.listen(join(dir, '.owner/socket')), 'listening');
  chmodSync(join(dir, '.owner/socket'), 0o600);

  const server = await serve(['--dir', dir]);
  dying.close();
  for (const connection of connections) connection.destroy();

  const { id } = await say({ url: server.url.replace(/\/$/, '') }, 'jjeong', 'henry', 'hi');
  expect(id).toMatch(/^\d+-\d+$/);
});
