import { afterAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { type Socket } from 'node:net';
import { begin, cleanUp, serve } from './running.ts';

afterAll(cleanUp);

async function textFrom(socket: Socket): Promise<string> {
  let text = '';
  for await (const bytes of socket) text += String(bytes);
  return text;
}

test.concurrent(
  'Slow headers and slow bodies are answered 408 within 15 s',
  async () => {
    const server = await serve();
    const startedMs = performance.now();

    const answers = await Promise.all([
      textFrom(begin(server, 'POST /messages HTTP/1.1\r\nHost: local')),
      textFrom(
        begin(
          server,
          'POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{',
        ),
      ),
    ]);

    for (const answer of answers) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
    expect(performance.now() - startedMs).toBeLessThan(15_000);
  },
  20_000,
);

test.concurrent(
  'A client that never finishes its request does not keep the server from ending with 0 within 5 s',
  async () => {
    const server = await serve();
    const socket = begin(server, 'POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n');
    await once(socket, 'connect');
    socket.on('error', () => {});
    await fetch(`${server.url}healthz`);

    const signalledMs = performance.now();
    server.child.kill('SIGTERM');

    expect((await server.ended).code).toBe(0);
    expect(performance.now() - signalledMs).toBeLessThan(5_000);
  },
  10_000,
);
