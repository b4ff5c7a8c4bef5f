import { connect, type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import type { Logger } from '../../src/index.ts';
import { readMetrics } from '../support/metrics.ts';
import { serve, serveChat } from '../support/serve-chat.ts';
import { say } from '../support/requests.ts';
import { until } from '../support/until.ts';

/** A logger that records everything but debug messages. */
function keeping(): { logger: Logger; lines: string[] } {
  const lines: string[] = [];
  const keep = (_fields: unknown, text?: string): void => void lines.push(String(text));
  return { logger: { debug: () => {}, info: keep, warn: keep, error: keep }, lines };
}

test('blames the client, not the store, for a body that is cut off before it is read', async () => {
  const { logger, lines } = keeping();
  let isAsked = false;
  let letIn = (): void => {};
  const gate = new Promise<void>((resolve) => (letIn = resolve));
  const chat = await serveChat({
    logger,
    identify: async () => {
      isAsked = true;
      await gate;
      return 'henry';
    },
  });
  const metrics = await serve((req, res) => chat.chat.metrics(req, res));
  const failures = async (): Promise<string[]> => {
    const samples = readMetrics(await (await fetch(metrics.url)).text());
    return Object.entries(samples).flatMap(([name, value]) => (/errors.*code=/.test(name) && value > 0 ? [name] : []));
  };
  await failures(); // counting begins when it is first read
  const socket = connect((chat.server.address() as AddressInfo).port, '127.0.0.1');
  const gone = new Promise((resolve) => chat.server.once('connection', (peer) => peer.once('close', resolve)));

  socket.write('POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n');
  socket.write('Content-Length: 100\r\n\r\n{"sender"');
  await until('the question who is asking', () => isAsked);
  socket.destroy();
  await gone;
  letIn();

  const failed = await until('the failure', async () => (await failures())[0]);
  expect(failed).toContain('REQUEST_TIMEOUT');
  expect(lines).toEqual([]);
  expect((await say(chat, 'henry', 'jjeong', 'hi')).state).toBe('sent');
});
