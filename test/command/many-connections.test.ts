import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { say } from '../support/requests.ts';
import { cleanUp, serve } from './running.ts';

const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  return cleanUp();
});

test('Accepts mail despite more idle connections than descriptors', async () => {
  const server = await serve([], { through: ['sh', '-c', 'ulimit -n 300 && exec "$@"', 'sh'] });
  const base = { url: server.url.replace(/\/$/, '') };
  await say(base, 'jjeong', 'henry', 'before');

  for (let i = 0; i < 400; i++) {
    const socket = connect(server.port, '127.0.0.1');
    socket.on('error', () => socket.destroy());
    sockets.push(socket);
    await once(socket, 'connect');
  }
  const texts = ['one', 'two', 'three'];
  const stored = [];
  for (const text of texts) stored.push(await say(base, 'jjeong', `new-${text}`, text));

  expect(stored.map(({ state }) => state)).toEqual(['sent', 'sent', 'sent']);
  expect(sockets.at(-1)!.destroyed).toBe(false);
});
