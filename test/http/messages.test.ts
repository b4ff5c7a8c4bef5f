import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { say, type Stored } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';

const greeting = { sender: 'jjeong', receiver: 'henry', message: '안녕\nhi 👋' };

describe('sending a message', () => {
  test('answers with the message as it was stored', async () => {
    const { url } = await serveChat();
    const before = Date.now();

    const answer = await request(url).post('/messages').send(greeting);

    expect(answer.status).toBe(201);
    expect(answer.type).toBe('application/json');
    expect(answer.headers['cache-control']).toBe('no-store');
    const stored = answer.body as Stored;
    expect(stored).toEqual({
      ...greeting,
      mailbox: 'henry',
      state: 'sent',
      id: expect.stringMatching(/^\d+-\d+$/),
      time: expect.any(String),
      key: expect.any(String),
    });
    expect(Date.parse(stored.time)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(stored.time)).toBeLessThanOrEqual(Date.now());
  });

  test('appends one event to the mailbox of a receiver who is away', async () => {
    const chat = await serveChat();

    const { id, time, key } = await say(chat, 'jjeong', 'henry', '안녕\nhi');

    const data = JSON.stringify({ sender: 'jjeong', receiver: 'henry', message: '안녕\nhi', time, key });
    expect(chat.mailboxText('henry')).toBe(`\n\n: after 0-0\nid: ${id}\ndata: ${data}\n\n`);
  });

  test('accepts a form, too', async () => {
    const chat = await serveChat();

    const answer = await request(chat.url).post('/messages').type('form').send(greeting);

    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject(greeting);
    expect(chat.mailboxText('henry')).toContain(JSON.stringify(greeting.message));
  });

  test('accepts plain text, too, with the names in the query', async () => {
    const chat = await serveChat();

    const answer = await request(chat.url)
      .post('/messages')
      .query({ sender: 'jjeong', receiver: 'henry', key: 'k1' })
      .type('text')
      .send(greeting.message);

    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({ ...greeting, key: 'k1' });
    expect(chat.mailboxText('henry')).toContain(JSON.stringify(greeting.message));
  });

  test('puts mail for a person into one mailbox, however the name is spelled', async () => {
    const chat = await serveChat();

    const spellings = ['Zoë'.normalize('NFC'), 'ZOË'.normalize('NFD'), 'zoë'];
    for (const receiver of spellings) await say(chat, 'henry', receiver, receiver);

    const [canonical] = spellings.slice(-1).map((name) => name.normalize('NFC'));
    for (const spelling of spellings) expect(chat.mailboxText(canonical!)).toContain(`"message":"${spelling}"`);
  });

  test('names the receiver by the canonical name', async () => {
    const { url } = await serveChat();

    const answer = await request(url)
      .post('/messages')
      .send({ ...greeting, sender: 'JJeong', receiver: 'Henry' });

    expect(answer.body).toMatchObject({ sender: 'jjeong', receiver: 'henry', mailbox: 'henry' });
  });

  test('gives ids that rise from message to message', async () => {
    const chat = await serveChat();

    const stored = [];
    for (let i = 0; i < 20; i += 1) stored.push(await say(chat, 'jjeong', 'henry', `${i}`));

    const parts = stored.map(({ id }) => id.split('-').map(Number) as [number, number]);
    const inOrder = parts.toSorted(([aMs, aSeq], [bMs, bSeq]) => aMs - bMs || aSeq - bSeq);
    expect(parts).toEqual(inOrder);
    expect(new Set(stored.map(({ id }) => id)).size).toBe(stored.length);
  });

  test('accepts many at once without losing one', async () => {
    const chat = await serveChat();
    const texts = Array.from({ length: 200 }, (_, i) => `number ${i}`);

    const stored = await Promise.all(texts.map((text) => say(chat, 'jjeong', 'henry', text)));

    expect(new Set(stored.map(({ id }) => id)).size).toBe(texts.length);
    for (const text of texts) expect(chat.mailboxText('henry').split(JSON.stringify(text))).toHaveLength(2);
  });
});

describe('a message at the limit', () => {
  const limit = 4000;

  test.each([
    ['letters', 'a'],
    ['syllables', '한'],
    ['emoji', '😀'],
    ['control characters', '\u0001'],
    ['quotes', '"'],
  ])('of %s arrives whole', async (_, character) => {
    const chat = await serveChat();
    const message = character.repeat(limit);

    const { status, body } = await request(chat.url)
      .post('/messages')
      .send({ ...greeting, message });

    expect(status).toBe(201);
    expect((body as Stored).message).toBe(message);
    expect(chat.mailboxText('henry')).toContain(JSON.stringify(message));
  });

  test.each(['json', 'form'])('arrives whole when every character is escaped (%s)', async (type) => {
    const chat = await serveChat();
    const escaped =
      type === 'json'
        ? `{"sender":"jjeong","receiver":"henry","message":"${String.raw`\ud83d\ude00`.repeat(limit)}"}`
        : `sender=jjeong&receiver=henry&message=${'%F0%9F%98%80'.repeat(limit)}`;

    const { status, body } = await request(chat.url).post('/messages').type(type).send(escaped);

    expect(status).toBe(201);
    expect((body as Stored).message).toBe('😀'.repeat(limit));
  });

  test('is set by the host application', async () => {
    const { url } = await serveChat({ maxMessage: 5 });

    const [fits, exceeds] = [await sendText(url, '한😀한😀한'), await sendText(url, '한😀한😀한!')];

    expect([fits.status, exceeds.status]).toEqual([201, 413]);
  });
});

describe('an idempotency key', () => {
  test('given twice makes one event and gets the same answer twice', async () => {
    const chat = await serveChat();
    const send = (): request.Test =>
      request(chat.url)
        .post('/messages')
        .send({ ...greeting, key: 'k1' });

    const first = await send();
    const text = chat.mailboxText('henry');
    const second = await send();

    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual(first.body);
    expect(chat.mailboxText('henry')).toBe(text);
  });

  test('may be in the Idempotency-Key header, quoted or not', async () => {
    const { url } = await serveChat();

    const [quoted, bare] = [
      await request(url).post('/messages').set('Idempotency-Key', '"k1"').send(greeting),
      await request(url).post('/messages').set('Idempotency-Key', 'k1').send(greeting),
    ];

    expect([quoted.status, bare.status]).toEqual([201, 200]);
    expect((quoted.body as Stored).key).toBe('k1');
    expect(bare.body).toEqual(quoted.body);
  });

  test('makes one event from two requests at the same moment', async () => {
    const { url } = await serveChat();
    const send = async (): Promise<request.Response> =>
      request(url)
        .post('/messages')
        .send({ ...greeting, key: 'k1' });

    const answers = await Promise.all(Array.from({ length: 10 }, send));

    expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(answers.length - 1);
    for (const answer of answers) expect(answer.body).toEqual(answers[0]!.body);
  });

  test('is remembered after the mail was read and the server restarted', async () => {
    const first = await serveChat();
    const stored = await say(first, 'jjeong', 'henry', 'hi', 'k1');
    await request(first.url).get('/history').query({ receiver: 'henry', sender: 'jjeong' });
    await first.stop();

    const second = await serveChat({ dir: first.dir });
    const again = await request(second.url)
      .post('/messages')
      .send({ sender: 'jjeong', receiver: 'henry', message: 'hi', key: 'k1' });

    expect(again.status).toBe(200);
    expect(again.body).toEqual(stored);
  });

  test('of one sender does not affect another sender', async () => {
    const { url } = await serveChat();
    const send = (sender: string): request.Test =>
      request(url)
        .post('/messages')
        .send({ ...greeting, sender, key: 'k1' });

    const [mine, theirs] = [await send('jjeong'), await send('mina')];

    expect([mine.status, theirs.status]).toEqual([201, 201]);
    expect((theirs.body as Stored).id).not.toBe((mine.body as Stored).id);
  });

  test('for one receiver does not affect another receiver', async () => {
    const { url } = await serveChat();
    const send = (receiver: string): request.Test =>
      request(url)
        .post('/messages')
        .send({ ...greeting, receiver, key: 'k1' });

    const [here, there] = [await send('henry'), await send('mina')];

    expect([here.status, there.status]).toEqual([201, 201]);
  });

  test('works by GET too', async () => {
    const chat = await serveChat();
    const send = (): request.Test =>
      request(chat.url)
        .get('/messages')
        .query({ ...greeting, key: 'k1' });

    const [first, second] = [await send(), await send()];

    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body).toEqual(first.body);
  });
});

function sendText(url: string, message: string): request.Test {
  return request(url)
    .post('/messages')
    .send({ ...greeting, message });
}
