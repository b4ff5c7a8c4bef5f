import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import { afterThisTest } from '../support/after-this-test.ts';
import { startChatProcess, type ChatProcess } from '../support/chat-process.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { reportReceipt, say } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

async function processes(count: number): Promise<ChatProcess[]> {
  const dir = temporaryDirectory();
  const started: ChatProcess[] = [];
  while (started.length < count) started.push(await startChatProcess(dir));
  return started;
}

describe('four processes on one directory', () => {
  test('bring each message to a page at every process, in one order', async () => {
    const servers = await processes(4);
    const pages = await Promise.all(servers.map(({ url }) => listen(`${url}/status?receiver=henry`)));

    await Promise.all(
      servers.map(async (server, s) => {
        for (let i = 0; i < 25; i += 1) await say(server, `sender${s}`, 'henry', `${s} ${i}`);
      }),
    );
    await say(servers[0]!, 'jjeong', 'henry', 'marker');

    const [first, ...others] = await Promise.all(pages.map((page) => page.textsUpTo('marker')));
    expect(first).toHaveLength(101);
    for (const texts of others) expect(texts).toEqual(first);
  });

  test('tell each other who is online, who types and what was read', async () => {
    const servers = await processes(4);
    const types = ['presence', 'typing', 'read'];
    const pages = await Promise.all(servers.map(({ url }) => listen(`${url}/status?receiver=jjeong`, { types })));
    const heardBy = (said: string): Promise<unknown> =>
      until(said, () => pages.every(({ heard }) => heard.some(({ type, data }) => `${type} ${data}`.includes(said))));

    await listen(`${servers[3]!.url}/status?receiver=henry`);
    await heardBy('"online":true');
    const typing = new URLSearchParams({ sender: 'henry', receiver: 'jjeong' });
    await fetch(`${servers[2]!.url}/typing`, { method: 'POST', body: typing });
    await heardBy('typing');
    const { id } = await say(servers[1]!, 'jjeong', 'henry', 'hi');
    await reportReceipt(servers[2]!, { receiver: 'henry', sender: 'jjeong', read: id });
    await heardBy(`read {`);
  });
});

const BUFFERED_AT_MOST = 256 * 1024;

test('A process that passes a stream on keeps little in memory for a slow reader, who gets everything in the end', async () => {
  const owner = await serveChat();
  const front = await serveChat({ dir: owner.dir });
  const accepted = once(front.server, 'connection') as Promise<[Socket]>;
  const asking = get(`${front.url}/status?receiver=henry&since=all`, { agent: false });
  const [reader] = (await once(asking, 'response')) as [IncomingMessage];
  reader.pause();
  const [forReader] = await accepted;
  let most = 0;
  const watching = setInterval(() => (most = Math.max(most, forReader.writableLength)), 1).unref();
  afterThisTest(() => clearInterval(watching));

  // 24 MB: more than the kernel buffers between three sockets
  const lines = Array.from({ length: 6000 }, (_, i) => `data: ${String(i).padStart(4000, '.')}\n\n`);
  owner.writeForeign('henry', lines.join(''));
  const other = await listen(`${owner.url}/status?receiver=henry&since=all`);
  await say(owner, 'jjeong', 'henry', 'marker');
  await other.textsUpTo('marker');
  await until('the reader backed up', () => forReader.writableLength > 0);

  expect(most).toBeLessThanOrEqual(BUFFERED_AT_MOST);
  const numbers: number[] = [];
  const parser = createParser({
    onEvent: ({ data }) => {
      if (data.startsWith('.')) numbers.push(Number(data.replaceAll('.', '')));
      if (data.includes('marker')) reader.destroy();
    },
  });
  reader.setEncoding('utf8').on('data', (chunk: string) => parser.feed(chunk));
  reader.resume();
  await once(reader, 'close');
  expect(numbers).toEqual(lines.map((_, i) => i));
});
