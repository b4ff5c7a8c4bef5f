import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { textOf, type Heard } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { StreamText } from '../support/stream-text.ts';
import { inTime } from '../support/until.ts';

interface Poll {
  readonly events: readonly Heard[];
  readonly cursor: string;
  readonly gap: boolean;
}

async function poll({ url }: ServedChat, query = ''): Promise<Poll> {
  const answer = await inTime(
    'the answer to a poll',
    fetch(`${url}/status?receiver=henry${query}`, { headers: { Accept: 'application/json' } }),
  );
  expect(answer.status).toBe(200);
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8');
  return (await answer.json()) as Poll;
}

describe('a poll', () => {
  test('answers at once with what waits', async () => {
    const chat = await serveChat();
    const { id } = await say(chat, 'jjeong', 'henry', 'hi');

    const { events, cursor, gap } = await poll(chat);

    expect(events).toEqual([{ id, type: 'message', data: expect.stringContaining('"hi"') }]);
    expect({ cursor, gap }).toEqual({ cursor: id, gap: false });
  });

  test('answers with nothing and a cursor when there is nothing', async () => {
    const chat = await serveChat();

    expect(await poll(chat)).toEqual({ events: [], cursor: '0-0', gap: false });
  });

  test('waits for a message', async () => {
    const chat = await serveChat();
    const { cursor } = await poll(chat);

    const polling = poll(chat, `&lastEventId=${cursor}&wait=60`);
    await say(chat, 'jjeong', 'henry', 'hi');

    expect((await polling).events.map(textOf)).toEqual(['hi']);
  });

  test('waits for what another program writes', async () => {
    const chat = await serveChat();
    await poll(chat);

    const polling = poll(chat, '&wait=60');
    chat.writeForeign('henry', 'data: from a shell\n\n');

    expect((await polling).events.map(textOf)).toEqual(['from a shell']);
  });

  test('answers with nothing when its time is over', async () => {
    const chat = await serveChat();

    expect(await poll(chat, '&wait=1')).toMatchObject({ events: [] });
  });

  test('gives everything once over several polls, and counts it as received when the client returns its cursor', async () => {
    const chat = await serveChat();
    const heard: string[] = [];
    let cursor = '0-0';

    for (const text of ['one', 'two', 'three']) {
      await say(chat, 'jjeong', 'henry', text);
      const answer = await poll(chat, `&lastEventId=${cursor}`);
      heard.push(...answer.events.map(textOf));
      cursor = answer.cursor;
    }
    await poll(chat, `&lastEventId=${cursor}`);

    expect(heard).toEqual(['one', 'two', 'three']);
    const { messages } = await history(chat, 'jjeong', 'henry');
    expect(messages.map(({ state }) => state)).toEqual(['delivered', 'delivered', 'delivered']);
  });

  test('reports a gap if the header is not a cursor, and gives what is kept', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'hi');

    const answer = await request(chat.url)
      .get('/status?receiver=henry')
      .set('Accept', 'application/json')
      .set('Last-Event-ID', 'nonsense');

    expect(answer.body).toMatchObject({ gap: true, events: [{ type: 'message' }] });
  });

  test.each(['-1', '61', '1.5', 'long', ''])('refuses wait=%s', async (wait) => {
    const { url } = await serveChat();

    const answer = await request(url).get(`/status?receiver=henry&wait=${wait}`).set('Accept', 'application/json');

    expect([answer.status, (answer.body as { error: string }).error]).toEqual([400, 'INVALID_REQUEST']);
  });
});

describe('lines of JSON', () => {
  test('are one event each, beginning with ready', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'one\ntwo');
    const answer = await fetch(`${chat.url}/status?receiver=henry`, { headers: { Accept: 'application/x-ndjson' } });
    const lines = new StreamText(answer);

    await lines.upTo('one\\\\ntwo');
    await say(chat, 'jjeong', 'henry', 'live "marker');
    const text = await lines.upTo(/live.*\n/);
    await lines.close();

    expect(answer.headers.get('content-type')).toBe('application/x-ndjson; charset=utf-8');
    const events = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Heard)
      .filter(({ type }) => type !== 'presence');
    expect(events.map(textOf)).toEqual(['<ready>', 'one\ntwo', 'live "marker']);
  });
});
