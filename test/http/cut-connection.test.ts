import { describe, expect, test } from '@jest/globals';
import { cuttingProxy } from '../support/cutting-proxy.ts';
import { Listener, textOf } from '../support/listener.ts';
import { say } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

describe('a connection that is cut', () => {
  test('loses nothing at any byte: the reconnection gets exactly the rest', async () => {
    const chat = await serveChat();
    const texts = ['one', '안녕 👋', 'three\nlines\r\nof text'];
    for (const text of texts) await say(chat, 'jjeong', 'henry', text);
    await new Listener(`${chat.url}/status?receiver=henry&since=all`).textsUpTo(texts.at(-1)!);
    const length = await lengthOfAnswer(`${chat.url}/status?receiver=henry&since=all`, texts.length);

    const cuts = Array.from({ length: Math.ceil(length / 3) }, (_, i) => 3 * i + 1);
    const pages = await Promise.all(
      cuts.map(async (cut) => {
        const proxy = await cuttingProxy(chat.url, cut);
        return { cut, proxy, page: new Listener(`${proxy.url}/status?receiver=henry&since=all`) };
      }),
    );
    // If the cut comes after the last byte, the page notices it only at the next message.
    const isOn = ({ requests, heard }: Listener): boolean =>
      requests > 1 || heard.some((event) => textOf(event) === texts.at(-1));
    await Promise.all(pages.map(({ cut, page }) => until(`the page cut after byte ${cut}`, () => isOn(page))));
    await say(chat, 'jjeong', 'henry', 'live');
    await Promise.all(pages.map(({ page }) => page.textsUpTo('live')));

    for (const { cut, page } of pages) {
      const messages = page.heard.filter(({ type }) => type === 'message').map(textOf);
      expect({ cut, messages }).toEqual({ cut, messages: [...texts, 'live'] });
    }
  });

  test('loses nothing when it is cut again and again while mail arrives', async () => {
    const chat = await serveChat();
    const proxy = await cuttingProxy(chat.url, 1000, 20);
    const page = new Listener(`${proxy.url}/status?receiver=henry`);
    await until('the stream', () => page.heard.length > 0);
    const texts = Array.from({ length: 100 }, (_, i) => `number ${i}`);

    for (const text of texts) await say(chat, 'jjeong', 'henry', text);
    await until('the last', () => page.heard.some((event) => textOf(event) === texts.at(-1)));

    expect(proxy.cutsLeft()).toBe(0);
    expect(page.heard.filter(({ type }) => type === 'message').map(textOf)).toEqual(texts);
  });

  test('loses nothing when the server restarts', async () => {
    const first = await serveChat();
    const page = new Listener(`${first.url}/status?receiver=henry`);
    await say(first, 'jjeong', 'henry', 'before');
    await page.textsUpTo('before');
    await first.stop();

    const second = await serveChat({ dir: first.dir });
    await say(second, 'jjeong', 'henry', 'meanwhile');
    const { id } = page.heard.findLast(({ type }) => type === 'message')!;
    const again = new Listener(`${second.url}/status?receiver=henry`, { lastEventId: id });

    expect(await again.textsUpTo('meanwhile')).toEqual(['<ready>', 'meanwhile']);
  });
});

/** How many bytes the server writes for so many messages, including the head. */
async function lengthOfAnswer(url: string, messages: number): Promise<number> {
  const { hostname, port, pathname, search } = new URL(url);
  const { connect } = await import('node:net');
  const socket = connect(Number(port), hostname);
  let bytes = Buffer.alloc(0);
  socket.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk])));
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n`);
  const isWhole = (): boolean =>
    bytes.toString('latin1').split('\ndata: {"sender"').length > messages &&
    bytes.toString('latin1').endsWith('\n\n\r\n');
  await until('the whole answer', isWhole);
  socket.destroy();
  return bytes.length;
}
