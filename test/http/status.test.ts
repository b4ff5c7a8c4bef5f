import { chmodSync, statSync } from 'node:fs';
import { describe, expect, jest, test } from '@jest/globals';
import { FileMailboxes, mailboxName } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { fakeIntervals } from '../support/fake-intervals.ts';
import { Listener, listen, textOf, type Heard } from '../support/listener.ts';
import { history, reportReceipt, say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { StreamText } from '../support/stream-text.ts';
import { inTime, until } from '../support/until.ts';

const stream = ({ url }: { url: string }, query = ''): string => `${url}/status?receiver=henry${query}`;

/** Sends these to henry while he is away, then listens for him: now they are in his log. Resolves to the events he got. */
async function heardBy(chat: ServedChat, ...texts: string[]): Promise<Heard[]> {
  for (const text of texts) await say(chat, 'jjeong', 'henry', text);
  const page = new Listener(stream(chat, '&since=all'));
  const heard = await page.nextUpTo(texts.at(-1)!);
  page.close();
  return heard.filter(({ type }) => type === 'message').slice(-texts.length);
}

describe('a stream', () => {
  test('begins at once, unbuffered and uncached', async () => {
    const chat = await serveChat();

    const answer = await inTime('the answer', fetch(stream(chat)));

    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    expect(answer.headers.get('cache-control')).toBe('no-cache, no-transform');
    expect(answer.headers.get('x-accel-buffering')).toBe('no');
    await answer.body!.cancel();
  });

  test('begins with the reconnection time and then says ready', async () => {
    const chat = await serveChat();

    const opened = new StreamText(await fetch(stream(chat)));
    const text = await opened.upTo(/\n\n[^]*\n\n/);
    await opened.close();

    const [retry, ready] = text.split('\n\n');
    const [, ms] = /^retry: (\d+)$/.exec(retry!)!;
    expect(Number(ms)).toBeGreaterThanOrEqual(2000);
    expect(Number(ms)).toBeLessThanOrEqual(4000);
    expect(ready).toMatch(/^id: .*\nevent: ready\ndata: /);
  });

  test('says ready first, so that every client has a cursor before the first message', async () => {
    const chat = await serveChat();

    const page = new Listener(stream(chat));
    const { type, id, data } = await page.next();

    expect({ type, id, data: JSON.parse(data) }).toEqual({
      type: 'ready',
      id: '0-0',
      data: { mailbox: 'henry', heartbeatMs: 15_000 },
    });
  });

  test('brings waiting mail in the order in which it was sent, and leaves the file empty', async () => {
    const chat = await serveChat();
    const texts = Array.from({ length: 50 }, (_, i) => `waiting ${i}`);
    for (const text of texts) await say(chat, 'jjeong', 'henry', text);

    const page = await listen(stream(chat));

    expect(await page.textsUpTo('waiting 49')).toEqual(texts);
    await until('the mailbox is empty', () => chat.mailboxText('henry') === '');
  });

  test('keeps the mode of the file', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'hi');
    chmodSync(chat.mailboxFile('henry'), 0o664);

    await (await listen(stream(chat))).textsUpTo('hi');

    expect(statSync(chat.mailboxFile('henry')).mode & 0o777).toBe(0o664);
  });

  test('brings what is sent while it is open, the same as in the answer to the sender', async () => {
    const chat = await serveChat();
    const page = await listen(stream(chat));

    const stored = await say(chat, 'jjeong', 'henry', 'live');
    const event = await page.next();

    const { sender, receiver, message, time, key } = stored;
    expect(event).toEqual({
      type: 'message',
      id: stored.id,
      data: JSON.stringify({ sender, receiver, message, time, key }),
    });
    await until('the mailbox is empty', () => chat.mailboxText('henry') === '');
  });

  test('brings a message to every page of the receiver, and to nobody else', async () => {
    const chat = await serveChat();
    const pages = [await listen(stream(chat)), await listen(stream(chat))];
    const other = await listen(`${chat.url}/status?receiver=mina`);

    await say(chat, 'jjeong', 'henry', 'for henry');
    await say(chat, 'jjeong', 'mina', 'for mina');

    for (const page of pages) expect(await page.textsUpTo('for henry')).toEqual(['for henry']);
    expect(await other.textsUpTo('for mina')).toEqual(['for mina']);
  });

  test('brings two messages that were sent one right after the other', async () => {
    const chat = await serveChat();
    const page = await listen(stream(chat));

    chat.writeForeign('henry', 'data: one\n\n');
    chat.writeForeign('henry', 'data: two\n\n');

    expect(await page.textsUpTo('two')).toEqual(['one', 'two']);
  });

  test('says bye and ends when the chat is closed, and the server can close', async () => {
    const chat = await serveChat();
    const page = await listen(stream(chat));
    const ended = new Promise((resolve) => page.source.addEventListener('error', resolve));
    const closed = new Promise((resolve) => chat.server.on('close', resolve));

    await inTime('closing the chat', chat.chat.close());
    chat.server.close();

    const bye = await page.next();
    expect(bye.type).toBe('bye');
    expect(JSON.parse(bye.data)).toEqual({ reason: 'shutdown', retryMs: expect.any(Number) });
    await inTime('the end of the stream', ended);
    page.close();
    chat.server.closeIdleConnections();
    await inTime('closing the server', closed);
  });

  test('lasts ten minutes, then says when to come back, and the next one continues where it ended', async () => {
    const chat = await serveChat();
    fakeIntervals();
    await say(chat, 'jjeong', 'henry', 'one');
    const answer = await fetch(stream(chat, '&since=all'));

    jest.advanceTimersByTime(10 * 60_000 + 15_000); // plus the time until the next check
    const text = await inTime('the end', answer.text());
    await say(chat, 'jjeong', 'henry', 'two');
    const [, lastEventId = ''] = /^id: (.*)\ndata: .*"one"/m.exec(text)!;
    const next = await listen(stream(chat), { lastEventId });

    expect(text).toMatch(/\nretry: \d{4}\n\nevent: bye\ndata: \{"reason":"busy","retryMs":\d{4}\}\n\n$/);
    expect(await next.textsUpTo('two')).toEqual(['two']);
  });

  test('says busy instead of an error if the chat is already closed: an EventSource must not give up', async () => {
    const chat = await serveChat();
    await chat.chat.close();

    const answer = await fetch(stream(chat));

    expect(answer.status).toBe(200);
    expect(await answer.text()).toMatch(/event: bye\ndata: .*busy/);
  });

  test('has ended when its chat is closed, and closing that twice is harmless', async () => {
    const { chat } = await serveChat();

    await chat.close();

    await expect(chat.close()).resolves.toBeUndefined();
    await expect(chat.ready()).rejects.toMatchObject({ code: 'CLOSED' });
  });
});

describe('a cursor', () => {
  test('in the Last-Event-ID header gets exactly what follows it', async () => {
    const chat = await serveChat();
    const [, two] = await heardBy(chat, 'one', 'two', 'three');

    const page = new Listener(stream(chat), { lastEventId: two!.id });
    await say(chat, 'jjeong', 'henry', 'marker');

    const [ready, ...rest] = await page.nextUpTo('marker');
    expect(ready).toMatchObject({ type: 'ready', id: two!.id });
    expect(rest.map(textOf)).toEqual(['three', 'marker']);
  });

  test('in the query gets exactly what follows it', async () => {
    const chat = await serveChat();
    const [one] = await heardBy(chat, 'one', 'two', 'three');

    const page = await listen(stream(chat, `&lastEventId=${one!.id}`));
    await say(chat, 'jjeong', 'henry', 'marker');

    expect(await page.textsUpTo('marker')).toEqual(['two', 'three', 'marker']);
  });

  test('in the header overrides one in the query, because it is newer', async () => {
    const chat = await serveChat();
    const [one, two] = await heardBy(chat, 'one', 'two', 'three');

    const page = await listen(stream(chat, `&lastEventId=${one!.id}`), { lastEventId: two!.id });

    expect(await page.textsUpTo('three')).toEqual(['three']);
  });

  test('from the ready event alone gets everything sent since', async () => {
    const chat = await serveChat();
    const first = new Listener(stream(chat));
    const { id } = await first.next();
    first.close();
    await say(chat, 'jjeong', 'henry', 'meanwhile');

    const page = await listen(stream(chat), { lastEventId: id });

    expect(await page.textsUpTo('meanwhile')).toEqual(['meanwhile']);
  });

  test.each(['nonsense', '1', '12345', 'x'.repeat(1000), '../../etc', '1-0-0'])(
    'in the header that is malformed (%p) gets a gap and what is kept',
    async (lastEventId) => {
      const chat = await serveChat();
      await heardBy(chat, 'one', 'two');

      const page = await listen(stream(chat), { lastEventId });
      const [gap, ...rest] = await page.nextUpTo('two');

      expect(gap).toMatchObject({ type: 'gap' });
      expect(JSON.parse(gap!.data)).toMatchObject({ after: lastEventId });
      expect(rest.map(textOf)).toEqual(['one', 'two']);
    },
  );

  test('in two headers is malformed, and gets a gap and what is kept', async () => {
    const chat = await serveChat();
    const [heard] = await heardBy(chat, 'one');
    const headers: [string, string][] = [
      ['Last-Event-ID', heard!.id],
      ['Last-Event-ID', heard!.id],
    ];

    const page = new StreamText(await fetch(stream(chat), { headers }));

    expect(await page.upTo('"one"')).toContain('event: gap\n');
    await page.close();
  });

  test('in the header that lies in the future gets a gap and what is kept', async () => {
    const chat = await serveChat();
    await heardBy(chat, 'one');
    const lastEventId = `${Date.now() + 3_600_000}-0`;

    const page = await listen(stream(chat), { lastEventId });

    expect(await page.textsUpTo('one')).toEqual(['<gap>', 'one']);
  });

  test('older than everything kept gets a gap and then what is kept', async () => {
    const hour = 3_600_000;
    let now = Date.now() - 24 * hour;
    let uptimeMs = 0;
    const clocks = { now: () => now, uptimeMs: () => uptimeMs };
    const dir = temporaryDirectory();
    const store = new FileMailboxes(dir, { pieceBytes: 1, keepMs: hour, ...clocks });
    const chat = await serveChat({ store, dir });
    const [first] = await heardBy(chat, 'long ago 1', 'long ago 2', 'long ago 3');
    await until('the mailbox is empty', () => chat.mailboxText('henry') === '');
    now += 12 * hour;
    const [kept] = await heardBy(chat, 'kept');
    await until('the mailbox is empty', () => chat.mailboxText('henry') === '');
    await reportReceipt(chat, { receiver: 'henry', delivered: kept!.id });
    now = Date.now();
    uptimeMs = hour; // old mail is dropped from time to time
    await until('old mail dropped', async () => (await store.ends(mailboxName('henry'))).oldest !== '0-0');

    const page = await listen(stream(chat), { lastEventId: first!.id });
    await say(chat, 'jjeong', 'henry', 'marker');
    const [gap, ...rest] = await page.nextUpTo('marker');

    expect(gap).toMatchObject({ type: 'gap' });
    const { after, oldest } = JSON.parse(gap!.data) as { after: string; oldest: string };
    expect(after).toBe(first!.id);
    expect(store.compare(oldest, after)).toBeGreaterThan(0);
    expect(new Set(rest.map(textOf)).size).toBe(rest.length);
    expect(rest.map(textOf)).not.toContain('long ago 2');
    expect(rest.map(textOf).at(-1)).toBe('marker');
  });

  test('moves the mark even if the stream began without one: what was received does not come again', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'once');
    const first = await listen(stream(chat));
    await first.textsUpTo('once');
    first.close();
    await until('the mark', async () => (await history(chat, 'jjeong', 'henry')).messages[0]?.state === 'delivered');

    const second = await listen(stream(chat));
    await say(chat, 'jjeong', 'henry', 'marker');

    expect(await second.textsUpTo('marker')).toEqual(['marker']);
  });
});

describe('since', () => {
  test('all begins with the oldest event kept, however often it was received', async () => {
    const chat = await serveChat();
    await heardBy(chat, 'one', 'two');

    const page = await listen(stream(chat, '&since=all'));

    expect(await page.textsUpTo('two')).toEqual(['one', 'two']);
  });

  test('latest gives only what comes from now on', async () => {
    const chat = await serveChat();
    await heardBy(chat, 'one', 'two');

    const page = await listen(stream(chat, '&since=latest'));
    await say(chat, 'jjeong', 'henry', 'marker');

    expect(await page.textsUpTo('marker')).toEqual(['marker']);
  });

  test('an id gives what follows it', async () => {
    const chat = await serveChat();
    const [one] = await heardBy(chat, 'one', 'two');

    const page = await listen(stream(chat, `&since=${one!.id}`));

    expect(await page.textsUpTo('two')).toEqual(['two']);
  });

  const minute = 60_000;

  async function chatOfTheLastHour(): Promise<{ chat: ServedChat; started: number }> {
    const started = Date.now();
    let now = started - 60 * minute;
    const chat = await serveChat({ store: new FileMailboxes(temporaryDirectory(), { now: () => now }) });
    await heardBy(chat, 'an hour ago');
    now = started - 5 * minute;
    await heardBy(chat, 'five minutes ago');
    now = started;
    return { chat, started };
  }

  test.each(['10m', '600s'])('%s gives what came in that time', async (since) => {
    const { chat } = await chatOfTheLastHour();

    const page = await listen(stream(chat, `&since=${since}`));

    expect(await page.textsUpTo('five minutes ago')).toEqual(['five minutes ago']);
  });

  test.each(['2h', '1d'])('%s gives everything, if all came in that time', async (since) => {
    const { chat } = await chatOfTheLastHour();

    const page = await listen(stream(chat, `&since=${since}`));

    expect(await page.textsUpTo('five minutes ago')).toEqual(['an hour ago', 'five minutes ago']);
  });

  test('a number of Unix seconds gives what came from then on', async () => {
    const { chat, started } = await chatOfTheLastHour();

    const page = await listen(stream(chat, `&since=${Math.floor((started - 10 * minute) / 1000)}`));

    expect(await page.textsUpTo('five minutes ago')).toEqual(['five minutes ago']);
  });
});
