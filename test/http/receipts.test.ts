import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { listen } from '../support/listener.ts';
import { onFiles } from '../support/mail-place.ts';
import { history, reportReceipt, say } from '../support/requests.ts';
import { StreamText } from '../support/stream-text.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

const PAGE_EVENTS = ['sent', 'delivered', 'read', 'presence', 'typing'];
const stateOf = async (chat: ServedChat): Promise<(string | undefined)[]> =>
  (await history(chat, 'jjeong', 'henry')).messages.map(({ state }) => state);

describe('a message', () => {
  test('is sent while it waits', async () => {
    const chat = await serveChat();

    await say(chat, 'jjeong', 'henry', 'hi');

    expect(await stateOf(chat)).toEqual(['sent']);
  });

  test('is still only sent when its receiver has read the history, which is not a receipt', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'hi');

    await history(chat, 'henry', 'jjeong');

    expect(await stateOf(chat)).toEqual(['sent']);
  });

  test('is delivered when the receiver sends a receipt', async () => {
    const chat = await serveChat();
    const { id } = await say(chat, 'jjeong', 'henry', 'hi');
    await history(chat, 'henry', 'jjeong');

    await reportReceipt(chat, { receiver: 'henry', delivered: id });

    expect(await stateOf(chat)).toEqual(['delivered']);
  });

  test('is delivered when a stream reconnects with its id as cursor; later messages are not', async () => {
    const chat = await serveChat();
    const { id } = await say(chat, 'jjeong', 'henry', 'one');
    await say(chat, 'jjeong', 'henry', 'two');
    await history(chat, 'henry', 'jjeong');

    await listen(`${chat.url}/status?receiver=henry`, { lastEventId: id });

    await until('the mark', async () => (await stateOf(chat))[0] === 'delivered');
    expect(await stateOf(chat)).toEqual(['delivered', 'sent']);
  });

  test('is delivered when a stream without a cursor has taken it', async () => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry`);
    await say(chat, 'jjeong', 'henry', 'hi');
    await page.textsUpTo('hi');

    await until('the mark', async () => (await stateOf(chat))[0] === 'delivered');
  });

  test('is not delivered by a stream with a cursor until that stream reconnects', async () => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry&since=all`);
    await say(chat, 'jjeong', 'henry', 'hi');
    await page.textsUpTo('hi');

    expect(await stateOf(chat)).toEqual(['sent']);
  });

  test('goes from sent to delivered to read, and never back', async () => {
    const chat = await serveChat();
    const { id } = await say(chat, 'jjeong', 'henry', 'hi');
    await history(chat, 'henry', 'jjeong');
    const states = [await stateOf(chat)];

    for (const receipt of [
      { delivered: id },
      { sender: 'jjeong', read: id },
      { delivered: '0-0' },
      { sender: 'jjeong', read: '0-0' },
    ]) {
      await reportReceipt(chat, { receiver: 'henry', ...receipt });
      states.push(await stateOf(chat));
    }

    expect(states.flat()).toEqual(['sent', 'delivered', 'read', 'read', 'read']);
  });

  test('is read up to the id in the receipt, and only from that sender', async () => {
    const chat = await serveChat();
    const { id } = await say(chat, 'jjeong', 'henry', 'one');
    await say(chat, 'mina', 'henry', 'aside');
    const { id: last } = await say(chat, 'jjeong', 'henry', 'two');
    await history(chat, 'henry', 'jjeong');

    await reportReceipt(chat, { receiver: 'henry', delivered: last });
    await reportReceipt(chat, { receiver: 'henry', sender: 'jjeong', read: id });

    expect(await stateOf(chat)).toEqual(['read', 'delivered']);
    const { messages } = await history(chat, 'mina', 'henry');
    expect(messages.map(({ state }) => state)).toEqual(['delivered']);
  });

  test('keeps its state when the server restarts', async () => {
    const first = await serveChat();
    const { id } = await say(first, 'jjeong', 'henry', 'one');
    await say(first, 'jjeong', 'henry', 'two');
    await history(first, 'henry', 'jjeong');
    await reportReceipt(first, { receiver: 'henry', sender: 'jjeong', read: id });
    await first.stop();

    const second = await serveChat({ dir: first.dir });

    expect(await stateOf(second)).toEqual(['read', 'sent']);
  });
});

describe('a receipt', () => {
  test('gets an empty answer', async () => {
    const { url } = await serveChat();

    const answer = await request(url).post('/receipts').send({ receiver: 'henry', delivered: '0-0' });

    expect([answer.status, answer.text]).toEqual([204, '']);
  });

  test('may come as a form', async () => {
    const { url } = await serveChat();

    const answer = await request(url).post('/receipts').type('form').send({ receiver: 'henry', delivered: '0-0' });

    expect(answer.status).toBe(204);
  });

  test('reaches the open pages of the sender', async () => {
    const chat = await serveChat();
    const { id } = await say(chat, 'jjeong', 'henry', 'hi');
    await history(chat, 'henry', 'jjeong');
    const page = await listen(`${chat.url}/status?receiver=jjeong`, { types: ['delivered', 'read'] });

    await reportReceipt(chat, { receiver: 'henry', delivered: id });
    await reportReceipt(chat, { receiver: 'henry', sender: 'jjeong', read: id });

    const told = [await page.next(), await page.next()];
    expect(told.map(({ type }) => type)).toEqual(['delivered', 'read']);
    for (const { data } of told) expect(JSON.parse(data)).toEqual({ receiver: 'henry', upTo: id });
  });
});

describe('what pages tell each other', () => {
  test('a message that I send on one page appears on my other pages', async () => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=jjeong`, { types: ['sent'] });

    const stored = await say(chat, 'jjeong', 'henry', 'hi');

    const { type, data } = await page.next();
    expect([type, JSON.parse(data)]).toEqual(['sent', stored]);
  });

  test('a typing notice reaches the receiver and is not stored', async () => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=henry`, { types: ['typing'] });

    const answer = await request(chat.url).post('/typing').send({ sender: 'jjeong', receiver: 'henry' });

    expect(answer.status).toBe(204);
    const { type, data } = await page.next();
    expect([type, JSON.parse(data)]).toEqual([
      'typing',
      { sender: 'jjeong', receiver: 'henry', forMs: expect.any(Number) },
    ]);
    expect((await history(chat, 'henry', 'jjeong')).messages).toEqual([]);
  });

  test('the others are told when somebody arrives', async () => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=jjeong`, { types: ['presence'] });
    const [before] = [await page.next()];

    await listen(`${chat.url}/status?receiver=henry`);
    const after = await page.next();

    expect([before, after].map(({ data }) => JSON.parse(data))).toMatchObject([
      { person: 'henry', online: false },
      { person: 'henry', online: true },
    ]);
  });

  test('moves no cursor', async () => {
    const chat = await serveChat();
    const { id } = await say(chat, 'henry', 'jjeong', 'hi');
    const stream = new StreamText(await fetch(`${chat.url}/status?receiver=jjeong&lastEventId=0-0`));
    await stream.upTo('event: ready'); // this stream does not get earlier notices
    await request(chat.url).post('/typing').send({ sender: 'henry', receiver: 'jjeong' });
    await say(chat, 'jjeong', 'henry', 'to others');

    const text = await stream.upTo('event: sent', `id: ${id}\n`);
    await stream.close();

    const blocks = text.split('\n\n');
    const withId = blocks.filter((block) => block.startsWith('id: '));
    expect(withId).toEqual([expect.stringMatching(/event: ready/), expect.stringContaining(`id: ${id}\n`)]);
    const types = blocks.map((block) => /^event: (.*)$/m.exec(block)?.[1]);
    for (const type of types) expect([undefined, 'ready', ...PAGE_EVENTS]).toContain(type);
  });
});

describe('the people', () => {
  onFiles(test)(
    'are those of the chat and all who wrote, each with the number of unread messages and the last message',
    async () => {
      const chat = await serveChat();
      await say(chat, 'jjeong', 'henry', 'one');
      const { id } = await say(chat, 'jjeong', 'henry', 'two');
      await say(chat, 'mina', 'henry', 'three');

      const answer = await request(chat.url).get('/people?receiver=henry');

      expect(answer.status).toBe(200);
      expect(answer.body).toMatchObject({ access: 'open', dir: chat.dir });
      const { people } = answer.body as { people: { name: string }[] };
      const [jjeong, mina] = ['jjeong', 'mina'].map((name) => people.find((person) => person.name === name));
      expect(jjeong).toMatchObject({ online: false, unread: 2, last: { message: 'two' } });
      expect(mina).toMatchObject({ online: false, unread: 1, last: { message: 'three' } });

      await reportReceipt(chat, { receiver: 'henry', sender: 'jjeong', read: id });
      const after = await request(chat.url).get('/people?receiver=henry');
      expect((after.body as { people: object[] }).people).toContainEqual(
        expect.objectContaining({ name: 'jjeong', unread: 0 }),
      );
    },
  );

  test('are online while they have a page open', async () => {
    const chat = await serveChat();
    await listen(`${chat.url}/status?receiver=jjeong`);

    const answer = await request(chat.url).get('/people?receiver=henry');

    expect((answer.body as { people: object[] }).people).toContainEqual(
      expect.objectContaining({ name: 'jjeong', online: true }),
    );
  });
});
