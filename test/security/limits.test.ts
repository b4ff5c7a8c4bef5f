import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import type { FileMailboxesOptions } from '../../src/files/store-context.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { listing, temporaryDirectory } from '../support/directory.ts';
import { reportReceipt, say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';
import { bearer, serveLinks } from './kit/links.ts';
import { raw, statusesIn } from './kit/raw.ts';
import { ask } from './kit/requests-of-all-kinds.ts';

const post = (url: string, sender: string, receiver: string, headers: Record<string, string> = {}) =>
  ask(url, { method: 'POST', path: '/messages' }, { sender, receiver, message: 'hi' }, headers);

/** Sends one message from each address, at the same time, each from a different person. */
async function flood(url: string, addresses: readonly string[]): Promise<number> {
  const answers = await Promise.all(
    addresses.map((address, i) => post(url, `person${i}`, 'henry', { 'X-Forwarded-For': address })),
  );
  return answers.filter(({ status }) => status === 429).length;
}

describe('a client that sends too fast', () => {
  test('gets 429 with the time to wait, while other people do not', async () => {
    const chat = await serveChat({ sendRate: 3 });

    const answers = await Promise.all(Array.from({ length: 8 }, () => post(chat.url, 'jjeong', 'henry')));
    const other = await post(chat.url, 'mina', 'henry');

    const refused = answers.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers, text } of refused) {
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect(JSON.parse(text)).toMatchObject({ error: 'RATE_LIMITED' });
    }
    expect(other.status).toBe(201);
    expect(chat.mailboxText('henry').match(/^id:/gm)).toHaveLength(9 - refused.length);
  });

  test('is also recognized by its address, whatever names and forwarded addresses it makes up', async () => {
    const { url } = await serveChat({ sendRate: 2 });
    const addresses = Array.from({ length: 30 }, (_, i) => `10.0.0.${i}`);

    expect(await flood(url, addresses)).toBeGreaterThan(0);
  });

  test('is recognized behind a proxy of ours by the last address that the proxy saw', async () => {
    const { url } = await serveChat({ sendRate: 2, trustProxy: true });
    const many = Array.from({ length: 30 }, (_, i) => `1.2.3.4, 10.0.0.${i}`);
    const one = Array.from({ length: 30 }, (_, i) => `10.0.0.${i}, 1.2.3.4`);
    const network = Array.from({ length: 30 }, (_, i) => `2001:db8:0:1::${i}`);

    expect(await flood(url, many)).toBe(0);
    expect(await flood(url, one)).toBeGreaterThan(0);
    expect(await flood(url, network)).toBeGreaterThan(0);
  });

  test.each(['', ',', 'unknown', '1.2.3.4:99', '[::1]:80', 'fe80::1%eth0', '::ffff:1.2.3.4', 'x'.repeat(100), '::'])(
    'is served when the proxy gives the address as %j',
    async (address) => {
      const { url } = await serveChat({ sendRate: 2, trustProxy: true });

      expect((await post(url, 'jjeong', 'henry', { 'X-Forwarded-For': address })).status).toBe(201);
    },
  );
});

describe('a client that asks too fast', () => {
  test.each<['GET' | 'POST', string, Record<string, string>]>([
    ['POST', '/typing', { sender: 'jjeong', receiver: 'henry' }],
    ['POST', '/receipts', { receiver: 'jjeong', delivered: '0-0' }],
    ['GET', '/history', { receiver: 'jjeong', sender: 'henry' }],
    ['GET', '/search', { receiver: 'jjeong', sender: 'henry', text: 'hello' }],
    ['GET', '/people', { receiver: 'jjeong' }],
    ['GET', '/inspect', { mailbox: 'jjeong' }],
  ])('by %s %s gets 429 with the time to wait, and may still send', async (method, path, fields) => {
    const chat = await serveChat({ sendRate: 1 });
    const isGood = (status: number): boolean => status === 200 || status === 204;

    // More than two seconds allow, wherever one second ends and the next begins.
    const answers = await Promise.all(Array.from({ length: 12 }, () => ask(chat.url, { method, path }, fields)));
    const sent = await post(chat.url, 'jjeong', 'henry');

    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => isGood(status)).length).toBeGreaterThanOrEqual(4);
    expect(refused.length).toBeGreaterThan(0);
    for (const { headers } of refused) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(sent.status).toBe(201);
  });

  test.each([
    ['names', { name: 'henry' }],
    ['files/0', { mailbox: 'henry' }],
  ])('by GET /%s about another person uses up nothing of theirs', async (path, fields) => {
    const chat = await serveLinks({ sendRate: 1 });
    const asked = Array.from({ length: 10 }, () =>
      ask(chat.url, { method: 'GET', path: `/${path}` }, fields, bearer(chat.keys.jjeong)),
    );
    await Promise.all(asked);

    const people = { method: 'GET', path: '/people' } as const;
    const own = await ask(chat.url, people, { receiver: 'henry' }, bearer(chat.keys.henry));
    expect(own.status).toBe(200);
  });

  test('is not limited where sends are not', async () => {
    const chat = await serveChat();

    const fields = { sender: 'jjeong', receiver: 'henry' };
    const typing = () => ask(chat.url, { method: 'POST', path: '/typing' }, fields);
    const answers = await Promise.all(Array.from({ length: 300 }, typing));

    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 204));
  });
});

test('a long poll takes the place of a stream for as long as it waits', async () => {
  const chat = await serveChat({ maxStreams: 1 });
  const poll = (receiver: string, signal?: AbortSignal) =>
    fetch(`${chat.url}/status?receiver=${receiver}&since=latest&wait=60`, {
      headers: { Accept: 'application/json' },
      ...(signal && { signal }),
    });
  const firstEvent = async (): Promise<string> => {
    const answer = await fetch(`${chat.url}/status?receiver=mina`);
    const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
    const { value = '' } = await reader.read();
    await reader.cancel();
    return value;
  };
  const first = new AbortController();
  const persist = async (): Promise<Response> => {
    const answer = await poll('henry', first.signal);
    return answer.status === 503 ? persist() : answer; // the streams below may already have used the place
  };
  const waiting = persist().catch(() => 'given up');

  await until('a refusal', async () => (await firstEvent()).includes('"reason":"busy"'));
  const second = await poll('jjeong');
  first.abort();

  expect({ status: second.status, body: await second.json() }).toEqual({
    status: 503,
    body: { error: 'TOO_MANY_STREAMS', message: expect.any(String) },
  });
  expect(await waiting).toBe('given up');
  await until('a free place', async () => (await firstEvent()).includes('ready'));
});

describe('a limit that is reached', () => {
  async function serveStore(options: FileMailboxesOptions): Promise<ServedChat> {
    const dir = temporaryDirectory();
    const store = new FileMailboxes(dir, options);
    afterThisTest(() => store.close());
    return serveChat({ dir, store });
  }

  test.each<[string, FileMailboxesOptions]>([
    ['messages', { maxWaiting: 3 }],
    ['bytes', { maxWaitingBytes: 400 }],
  ])('for waiting %s gets 507 and loses nothing, and other mailboxes accept mail', async (_, options) => {
    const chat = await serveStore(options);

    let accepted = 0;
    while ((await post(chat.url, 'jjeong', 'henry')).status === 201) accepted += 1;
    const again = await post(chat.url, 'jjeong', 'henry');

    expect(again.status).toBe(507);
    expect(JSON.parse(again.text)).toMatchObject({ error: 'MAILBOX_FULL' });
    expect(chat.mailboxText('henry').match(/^id:/gm)).toHaveLength(accepted);
    expect((await post(chat.url, 'jjeong', 'mina')).status).toBe(201);
  });

  test('for mailboxes lets no more be made, and existing ones accept mail', async () => {
    const chat = await serveStore({ maxNewMailboxes: 2 });
    for (const who of ['henry', 'mina']) await post(chat.url, 'jjeong', who);
    const before = listing(chat.dir);

    const flooded = await Promise.all(Array.from({ length: 20 }, (_, i) => post(chat.url, 'jjeong', `new${i}`)));

    expect(flooded.map(({ status }) => status)).toEqual(flooded.map(() => 507));
    expect(listing(chat.dir)).toEqual(before);
    for (const who of ['henry', 'mina']) expect((await post(chat.url, 'jjeong', who)).status).toBe(201);
  });

  test('for mailboxes is not used up by people who only listen', async () => {
    const chat = await serveChat();
    const before = listing(chat.dir);
    const listenTo = (receiver: string, Accept: string) =>
      ask(chat.url, { method: 'GET', path: '/status' }, { receiver, wait: '1' }, { Accept });

    const polls = await Promise.all(Array.from({ length: 200 }, (_, i) => listenTo(`room-${i}`, 'application/json')));
    const streams = await Promise.all(
      Array.from({ length: 20 }, (_, i) => fetch(`${chat.url}/status?receiver=new${i}`)),
    );

    expect(listing(chat.dir)).toEqual(before);
    for (const { status } of [...polls, ...streams]) expect(status).toBe(200);
    for (const { body } of streams) await body?.cancel();
  });

  test('for mailboxes keeps out nobody who was invited or is among the people', async () => {
    const chat = await serveLinks({ people: ['henry', 'mina'] });
    const send = (receiver: string) => post(chat.url, 'jjeong', receiver, bearer(chat.keys.jjeong));
    const rooms = Array.from({ length: 1000 }, (_, i) => `room-${i}`);
    for (let i = 0; i < rooms.length; i += 50) await Promise.all(rooms.slice(i, i + 50).map(send));

    expect((await send('room-1000')).status).toBe(507);
    chat.invite('newcomer');
    for (const receiver of ['newcomer', 'mina', 'room-0']) {
      expect([receiver, (await send(receiver)).status]).toEqual([receiver, 201]);
    }
  }, 60_000);

  test('for mailboxes is not used up by reading, which makes no files', async () => {
    const chat = await serveChat();
    const before = listing(chat.dir);

    for (let i = 0; i < 20; i++) {
      await ask(chat.url, { method: 'GET', path: '/history' }, { receiver: `a${i}`, sender: `b${i}` });
      await ask(chat.url, { method: 'GET', path: '/people' }, { receiver: `c${i}` });
      await ask(chat.url, { method: 'GET', path: '/status' }, { receiver: `d${i}` }, { Accept: 'application/json' });
      await ask(chat.url, { method: 'POST', path: '/receipts' }, { receiver: `e${i}`, sender: 'x', read: '0-0' });
    }
    await chat.stop();

    expect(listing(chat.dir)).toEqual(before);
  });
});

test('receipts for made-up senders do not fill the marks, and other receipts still count', async () => {
  const chat = await serveChat();
  await say(chat, 'jjeong', 'henry', 'one');
  const first = await say(chat, 'jjeong', 'henry', 'two');
  const last = await say(chat, 'jjeong', 'henry', 'three');
  await reportReceipt(chat, { receiver: 'henry', sender: 'jjeong', read: last.id });

  for (let i = 0; i < 1100; i++) {
    await reportReceipt(chat, { receiver: 'henry', sender: `nobody${i}`, read: first.id });
  }
  await chat.stop();

  const text = readFileSync(join(chat.dir, '.marks', 'henry.json'), 'utf8');
  const { read } = JSON.parse(text) as { read: Record<string, string> };
  expect(Object.keys(read)).toHaveLength(1000);
  expect(read['jjeong']).toBe(last.id);
});

test('one stream too many is told on the stream to come back later, and the others continue', async () => {
  const chat = await serveChat({ maxStreams: 2 });
  const open = () => fetch(`${chat.url}/status?receiver=henry`);
  const streams = [await open(), await open()];
  for (const stream of streams)
    expect((await ask(chat.url, { method: 'GET', path: '/healthz' }, {})).status).toBe(stream.status);

  const third = await open();
  const text = await third.text();
  await post(chat.url, 'jjeong', 'henry');

  expect(third.status).toBe(200);
  expect(third.headers.get('content-type')).toMatch('text/event-stream');
  expect(text).toMatch(/^retry: \d{5}\n\nevent: bye\ndata: \{"reason":"busy","retryMs":\d+\}\n\n$/);
  for (const stream of streams) {
    const reader = stream.body!.pipeThrough(new TextDecoderStream()).getReader();
    let heard = '';
    await until('the message', async () => (heard += (await reader.read()).value ?? '').includes('"hi"'));
    await reader.cancel();
  }
});

describe('a body that is too long', () => {
  const head = (path: string, ...more: string[]): string =>
    [`POST ${path} HTTP/1.1`, 'Host: localhost', 'Content-Type: application/json', ...more, '', ''].join('\r\n');

  test.each(['/messages', '/receipts', '/typing', '/session'])(
    'is refused by %s as soon as its length is known',
    async (path) => {
      const chat = await serveChat();

      const answer = await raw(chat, head(path, 'Content-Length: 100000000000'));

      expect(statusesIn(answer)).toEqual([413]);
      expect(answer).toMatch(/connection: close/i);
    },
  );

  test.each(['/messages', '/receipts', '/typing', '/session'])(
    'is not read to its end by %s if its length is unknown',
    async (path) => {
      const chat = await serveChat();
      const { port } = chat.server.address() as AddressInfo;
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      let written = 0;
      socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
      socket.on('error', () => socket.destroy()); // the server has closed the connection
      const closed = new Promise((resolve) => socket.once('close', resolve));
      const chunk = `10000\r\n${'['.repeat(0x10000)}\r\n`;
      const more = (): void => {
        while (!socket.destroyed && !socket.writableNeedDrain) {
          socket.write(chunk);
          written += chunk.length;
        }
      };
      socket.on('drain', more);

      socket.write(head(path, 'Transfer-Encoding: chunked'));
      more();
      await closed;

      // A sender can notice the refusal only after it has filled the kernel's buffers on both sides.
      expect(written).toBeLessThan(32 * 1024 * 1024);
      if (answer !== '') expect(statusesIn(answer)).toEqual([413]);
    },
  );
});
