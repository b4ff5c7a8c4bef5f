import { connect, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { listen } from '../support/listener.ts';
import { say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { until } from '../support/until.ts';

const BUFFERED_AT_MOST = 256 * 1024;
const MESSAGES = 6000;

describe('a client that does not read', () => {
  test('costs little memory, delays nobody, and gets everything in the end', async () => {
    const chat = await serveChat();
    const connections: Socket[] = [];
    chat.server.on('connection', (socket) => connections.push(socket));
    const reader = connectTo(chat);
    reader.pause();
    reader.write('GET /status?receiver=henry&since=all HTTP/1.1\r\nHost: localhost\r\n\r\n');
    const [forReader] = await until('the connection', () => (connections.length > 0 ? connections : undefined));
    let most = 0;
    const watching = setInterval(() => (most = Math.max(most, forReader!.writableLength)), 1).unref();
    afterThisTest(() => clearInterval(watching));

    // 24 MB: more than the kernel buffers between two sockets
    const lines = Array.from({ length: MESSAGES }, (_, i) => `data: ${String(i).padStart(4000, '.')}\n\n`);
    chat.writeForeign('henry', lines.join(''));
    const other = await listen(`${chat.url}/status?receiver=henry&since=all`);
    await say(chat, 'jjeong', 'henry', 'marker');
    await other.textsUpTo('marker');
    await until('the reader backed up', () => forReader!.writableLength > 0);

    expect(most).toBeLessThanOrEqual(BUFFERED_AT_MOST);
    expect(forReader!.writableLength).toBeLessThanOrEqual(BUFFERED_AT_MOST);

    const numbers: number[] = [];
    let tail = '';
    let isOver = false;
    reader.setEncoding('latin1');
    reader.on('data', (chunk: string) => {
      const blocks = (tail + chunk.replaceAll(/\r\n[0-9a-f]+\r\n/g, '')).split('\n\n');
      tail = blocks.pop()!;
      for (const block of blocks) {
        const number = /data: \.+(\d+)$/.exec(block)?.[1];
        if (number) numbers.push(Number(number));
        isOver ||= block.includes('marker');
      }
    });
    reader.resume();
    await until('all of it', () => isOver);

    expect(numbers).toEqual(lines.map((_, i) => i));
  });
});

function connectTo({ url }: ServedChat): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  afterThisTest(() => socket.destroy());
  return socket;
}
