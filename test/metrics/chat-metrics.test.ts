import { connect, type Socket } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import express from 'express';
import { Counter, Registry } from 'prom-client';
import { FileMailboxes, type MailboxChatOptions } from '../../src/index.ts';
import { unsentQueues } from '../../src/http/unsent-queues.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { fakeIntervals } from '../support/fake-intervals.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen, Listener } from '../support/listener.ts';
import { readMetrics, scrape, type Metrics } from '../support/metrics.ts';
import { reportReceipt, say } from '../support/requests.ts';
import { serve, serveChat, type ServedChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

interface MeteredChat extends ServedChat {
  readonly scrape: () => Promise<Metrics>;
}

/** A chat that counts, and a server that serves only its metrics. */
async function meteredChat(options: MailboxChatOptions = {}): Promise<MeteredChat> {
  const served = await serveChat(options);
  const { url } = await serve(served.chat.metrics);
  return { ...served, scrape: () => scrape(url) };
}

function inbox({ url }: ServedChat, query = ''): string {
  return `${url}/status?receiver=henry${query}`;
}

describe('the metrics of a chat', () => {
  test('start at the first request for them', async () => {
    const served = await serveChat();
    await say(served, 'jjeong', 'henry', 'before');

    const { url } = await serve(served.chat.metrics);
    await say(served, 'jjeong', 'henry', 'after');

    expect(await scrape(url)).toMatchObject({ 'mailbox_chat_messages_appended_total{source="http"}': 1 });
    expect(served.chat.metrics).toBe(served.chat.metrics);
  });

  test('count a message once, however often it is sent, and refusals by their code', async () => {
    const chat = await meteredChat();
    await say(chat, 'jjeong', 'henry', 'hi', 'k1');
    await say(chat, 'jjeong', 'henry', 'hi', 'k1');

    const statuses = [];
    for (const text of ['other', '']) {
      const body = new URLSearchParams({ sender: 'jjeong', receiver: 'henry', message: text, key: 'k1' });
      statuses.push((await fetch(`${chat.url}/messages`, { method: 'POST', body })).status);
    }

    expect(statuses).toEqual([409, 400]);
    expect(await chat.scrape()).toMatchObject({
      'mailbox_chat_messages_appended_total{source="http"}': 1,
      mailbox_chat_append_duration_seconds_count: 1,
      'mailbox_chat_request_errors_total{code="KEY_REUSED"}': 1,
      'mailbox_chat_request_errors_total{code="INVALID_MESSAGE"}': 1,
      'mailbox_chat_request_errors_total{code="DISK_FULL"}': 0,
    });
  });

  test('belong to one chat: another one in the same process has its own', async () => {
    const [one, other] = [await meteredChat(), await meteredChat()];
    await listen(inbox(one));
    await say(one, 'jjeong', 'henry', 'hi');

    const [ofOne, ofOther] = [await one.scrape(), await other.scrape()];

    expect(ofOne).toMatchObject({
      'mailbox_chat_messages_appended_total{source="http"}': 1,
      mailbox_chat_open_streams: 1,
    });
    expect(ofOther).toMatchObject({
      'mailbox_chat_messages_appended_total{source="http"}': 0,
      mailbox_chat_open_streams: 0,
    });
  });

  test('count mail of other programs when it is found, but not the chat’s own', async () => {
    const chat = await meteredChat();
    await say(chat, 'jjeong', 'henry', 'ours');
    chat.writeForeign('henry', 'data: theirs 1\n\ndata: theirs 2\n\n');

    const page = await listen(inbox(chat));
    await page.textsUpTo('theirs 2');

    expect(await chat.scrape()).toMatchObject({
      'mailbox_chat_messages_appended_total{source="http"}': 1,
      'mailbox_chat_messages_appended_total{source="file"}': 2,
      mailbox_chat_events_sent_total: 3,
    });
  });

  test('measure how long mail takes to an open stream, but not waiting mail', async () => {
    const chat = await meteredChat();
    chat.writeForeign('henry', 'data: waited\n\n');
    const page = await listen(inbox(chat));
    await page.textsUpTo('waited');
    const before = await chat.scrape();

    await say(chat, 'jjeong', 'henry', 'at once');
    await page.textsUpTo('at once');

    const after = await chat.scrape();
    const timed = 'mailbox_chat_delivery_duration_seconds_count';
    expect(after[timed]! - before[timed]!).toBe(1);
    await listen(inbox(chat, '&since=all')).then((again) => again.textsUpTo('at once'));
    expect(await chat.scrape()).toMatchObject({ [timed]: after[timed], mailbox_chat_events_sent_total: 4 });
  });

  test('count the events of a poll', async () => {
    const chat = await meteredChat();
    for (const text of ['one', 'two']) await say(chat, 'jjeong', 'henry', text);

    await fetch(inbox(chat), { headers: { Accept: 'application/json' } });

    expect(await chat.scrape()).toMatchObject({ mailbox_chat_events_sent_total: 2, mailbox_chat_open_streams: 0 });
  });

  test('tell how many streams are open', async () => {
    const chat = await meteredChat();
    const pages = [await listen(inbox(chat)), await listen(inbox(chat))];
    const open = async (): Promise<number | undefined> => (await chat.scrape())['mailbox_chat_open_streams'];

    expect(await open()).toBe(2);
    for (const page of pages) page.close();

    await until('no stream', async () => (await open()) === 0);
  });

  test('count a stream that was refused because there were too many', async () => {
    const chat = await meteredChat({ maxStreams: 1 });
    await listen(inbox(chat));

    const refused = new Listener(inbox(chat));
    expect(await refused.next()).toMatchObject({ type: 'bye' });

    expect((await chat.scrape())['mailbox_chat_request_errors_total{code="TOO_MANY_STREAMS"}']).toBe(1);
  });

  test('distinguish streams that resume without a gap from those with one', async () => {
    const hour = 3_600_000;
    let now = Date.now() - 24 * hour;
    let uptimeMs = 0;
    const clocks = { now: () => now, uptimeMs: () => uptimeMs };
    const store = new FileMailboxes(temporaryDirectory(), { pieceBytes: 1, keepMs: hour, ...clocks });
    const chat = await meteredChat({ store });
    const page = await listen(inbox(chat));
    const ids: string[] = [];
    for (const text of ['old 1', 'old 2', 'kept']) {
      if (text === 'kept') now += 12 * hour;
      ids.push((await say(chat, 'jjeong', 'henry', text)).id);
    }
    await page.textsUpTo('kept');
    await reportReceipt(chat, { receiver: 'henry', delivered: ids.at(-1)! });
    now = Date.now();
    uptimeMs = hour;
    await until('old mail dropped', async () => (await store.ends(mailboxName('henry'))).oldest !== '0-0');

    await listen(inbox(chat), { lastEventId: ids.at(-1)! });
    await listen(inbox(chat, `&lastEventId=${ids.at(-1)}`));
    await listen(inbox(chat), { lastEventId: ids[0]! });
    await listen(inbox(chat), { lastEventId: 'never given' });
    await listen(inbox(chat, '&since=all'));
    await listen(inbox(chat));

    expect(await chat.scrape()).toMatchObject({
      'mailbox_chat_resumes_total{result="hit"}': 2,
      'mailbox_chat_resumes_total{result="gap"}': 2,
    });
  });

  test('count a stalled reader when its stream is closed', async () => {
    const chat = await meteredChat();
    fakeIntervals();
    const sockets: Socket[] = [];
    chat.server.on('connection', (socket) => sockets.push(socket));
    const reader = readNothing(inbox(chat));
    // more than the kernel buffers between two sockets
    chat.writeForeign('henry', `data: ${'.'.repeat(4000)}\n\n`.repeat(6000));
    await until('the reader backed up', () => sockets.some(({ writableLength }) => writableLength > 0));

    const look = async (): Promise<boolean> => {
      jest.advanceTimersByTime(STALL_CHECK_MS);
      await unsentQueues(); // takes as long as the check
      return sockets.every(({ destroyed }) => destroyed);
    };
    await until('the stream closed', look, 30 * STALL_CHECK_MS); // on the clock that was just moved

    expect(await chat.scrape()).toMatchObject({ mailbox_chat_slow_readers_closed_total: 1 });
    reader.destroy();
  });

  test('contain no names and no text', async () => {
    const chat = await meteredChat({ people: ['gildong', 'chunhyang'] });
    const page = await listen(`${chat.url}/status?receiver=gildong`);
    await say(chat, 'chunhyang', 'gildong', 'nightingale');
    await page.textsUpTo('nightingale');

    const text = await (await chat.chat.metrics.registry()).metrics();

    expect(text).not.toMatch(/gildong|chunhyang|nightingale/);
  });

  test('lack only the figures of the store if it does not count', async () => {
    const files = new FileMailboxes(temporaryDirectory());
    const store = new Proxy(files, {
      get: (target, name) => {
        if (name === 'figures') return undefined;
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    const chat = await meteredChat({ store });
    await say(chat, 'jjeong', 'henry', 'hi');

    const metrics = await chat.scrape();

    expect(metrics['mailbox_chat_messages_appended_total{source="http"}']).toBe(1);
    expect(Object.keys(metrics).filter((name) => /source="file"|mailbox_bytes|watch_errors/.test(name))).toEqual([]);
  });

  test('can still be read after the chat has closed', async () => {
    const chat = await meteredChat();
    await say(chat, 'jjeong', 'henry', 'hi');
    await chat.chat.close();

    expect((await chat.scrape())['mailbox_chat_messages_appended_total{source="http"}']).toBe(1);
  });
});

describe('a host application', () => {
  test('serves the metrics where it wants; the chat itself serves none', async () => {
    const { chat } = await serveChat();
    const app = express();
    app.get('/internal/metrics', chat.metrics);
    app.use('/chat', chat);
    const { url } = await serve(app);

    const [metrics, nothing, posted] = await Promise.all([
      fetch(`${url}/internal/metrics`),
      fetch(`${url}/chat/metrics`),
      fetch(`${url}/internal/metrics`, { method: 'POST' }),
    ]);

    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(readMetrics(await metrics.text())).toHaveProperty('mailbox_chat_open_streams', 0);
    expect([nothing.status, posted.status]).toEqual([404, 404]);
  });

  test('answers HEAD, and refuses other methods with the list of allowed ones', async () => {
    const { chat } = await serveChat();
    const { url } = await serve((req, res) => chat.metrics(req, res));

    const [head, post] = [await fetch(url, { method: 'HEAD' }), await fetch(url, { method: 'POST' })];

    expect([head.status, await head.text()]).toEqual([200, '']);
    expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });

  test('merges them with its own', async () => {
    const { chat } = await serveChat();
    const own = new Registry();
    new Counter({ name: 'app_orders_total', help: 'Orders.', registers: [own] }).inc(3);

    const both = Registry.merge([own, await chat.metrics.registry()]);

    expect(readMetrics(await both.metrics())).toMatchObject({ app_orders_total: 3, mailbox_chat_open_streams: 0 });
    const asObjects = await both.getMetricsAsJSON();
    expect(asObjects.find(({ name }) => name === 'mailbox_chat_append_duration_seconds')).toMatchObject({
      type: 'histogram',
      values: expect.arrayContaining([expect.objectContaining({ labels: { le: '+Inf' }, value: 0 })]),
    });
  });
});

const STALL_CHECK_MS = 10_100;

/** Requests a stream and never reads it. */
function readNothing(url: string): Socket {
  const { hostname, port, pathname, search } = new URL(url);
  const socket = connect(Number(port), hostname);
  afterThisTest(() => socket.destroy());
  socket.pause();
  socket.write(`GET ${pathname}${search} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return socket;
}
