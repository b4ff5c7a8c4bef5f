import { afterAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { begin, cleanUp, serve, type Ready } from './running.ts';

const UNFINISHED_HEADERS = 'POST /messages HTTP/1.1\r\nHost: local';
const UNFINISHED_BODY =
  'POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{';
const BODY_THAT_NEVER_COMES = 'HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n';

afterAll(cleanUp);

// At the same time, so that all together take as long as the slowest.
test.concurrent.each([
  ['headers', UNFINISHED_HEADERS, 12_000],
  ['bodies', UNFINISHED_BODY, 15_000],
])(
  'Slow %s of 250 clients get 408 within 15 s, while others are served',
  async (_what, request, withinMs) => {
    const server = await serve();

    const answers = Promise.all(Array.from({ length: 250 }, () => answerTo(begin(server, request))));
    const waiting = await Promise.race([answers, sayTo(server)]);

    expect(waiting).toBe(201);
    for (const { text, tookMs } of await answers) {
      expect(text).toMatch(/^HTTP\/1\.1 408 /);
      expect(tookMs).toBeLessThan(withinMs);
    }
  },
  20_000,
);

test.concurrent.each([
  ['GET /healthz', 200],
  ['POST /nothing', 404],
])(
  '%s is answered, and the connection ends within 15 s if the body does not come',
  async (request, status) => {
    const server = await serve();

    const { text, tookMs } = await answerTo(begin(server, `${request} ${BODY_THAT_NEVER_COMES}`));

    expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(tookMs).toBeLessThan(15_000);
  },
  20_000,
);

test.concurrent(
  'Ends with 0 within 5 s even if a client never finishes its request',
  async () => {
    const server = await serve();
    const socket = begin(server, UNFINISHED_BODY).on('error', () => {});
    await once(socket, 'connect');
    await fetch(`${server.url}healthz`);

    const signalledMs = performance.now();
    server.child.kill('SIGTERM');

    expect((await server.ended).code).toBe(0);
    expect(performance.now() - signalledMs).toBeLessThan(5_000);
  },
  10_000,
);

async function sayTo({ url }: Ready): Promise<number> {
  const body = new URLSearchParams({ sender: 'jjeong', receiver: 'henry', message: 'hi' });
  return (await fetch(`${url}messages`, { method: 'POST', body })).status;
}

async function answerTo(socket: Socket): Promise<{ text: string; tookMs: number }> {
  await once(socket, 'connect');
  const startedMs = performance.now();
  let text = '';
  for await (const bytes of socket) text += String(bytes);
  return { text, tookMs: performance.now() - startedMs };
}
