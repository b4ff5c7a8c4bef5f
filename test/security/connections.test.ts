import { connect, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { afterThisTest } from '../support/after-this-test.ts';
import { history, say, wholeHistory } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';
import { statusesIn } from './kit/raw.ts';

/** A chat that counts its calls of `identify`: one for each request that it has begun. */
async function noting(): Promise<ServedChat & { begun: string[] }> {
  const begun: string[] = [];
  const identify = (req: { url?: string | undefined }): string => {
    begun.push(req.url ?? '');
    return 'henry';
  };
  return { ...(await serveChat({ identify })), begun };
}

function connectTo({ server }: ServedChat): Socket {
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => socket.destroy());
  afterThisTest(() => socket.destroy());
  return socket;
}

const requestsFor = (count: number): string =>
  Array.from(
    { length: count },
    (_, i) => `GET /history?receiver=henry&sender=jjeong&limit=${i + 1} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  ).join('');

describe('requests that one connection sends without reading the answers', () => {
  test('begin one after the other, and are answered in order when the client reads', async () => {
    const chat = await noting();
    const text = 'x'.repeat(4000);
    for (let i = 0; i < 100; i++) chat.writeForeign('henry', `data: ${text}${text}${text}${text}\n\n`);
    const socket = connectTo(chat).pause();

    socket.write(requestsFor(90));
    await until('the first one', () => chat.begun.includes('/history?receiver=henry&sender=jjeong&limit=1'));
    await history(chat, 'henry', 'mina'); // by now, any request would have begun
    await history(chat, 'henry', 'mina');

    expect(chat.begun.length).toBeLessThan(60);
    let answers = '';
    socket.setEncoding('latin1').on('data', (bytes: string) => (answers += bytes));
    socket.resume();
    await until('all answers', () => statusesIn(answers).length === 90);
    const lengths = Array.from(answers.matchAll(/Content-Length: (\d+)/gi), ([, length]) => Number(length));
    expect(lengths).toEqual(lengths.toSorted((a, b) => a - b));
  });

  test('end the connection when there are hundreds', async () => {
    const chat = await noting();
    const socket = connectTo(chat);
    const closed = new Promise((resolve) => socket.once('close', resolve));

    socket.write(requestsFor(600));
    await closed;

    expect(chat.begun.length).toBeLessThanOrEqual(101);
    expect((await say(chat, 'henry', 'jjeong', 'hi')).state).toBe('sent');
  });
});

test('a page of history ends early after very much text, and no message is missing', async () => {
  const chat = await serveChat();
  const text = 'x'.repeat(100_000);
  for (let i = 0; i < 20; i++) chat.writeForeign('henry', `data: ${i} ${text}\n\n`);

  const page = await history(chat, 'henry', 'jjeong', { limit: '500' });
  const whole = await wholeHistory(chat, 'henry', 'jjeong', 500);

  expect(page.messages.length).toBeLessThan(20);
  expect(page.before).not.toBeNull();
  expect(whole.map(({ message }) => message.split(' ')[0])).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
});
