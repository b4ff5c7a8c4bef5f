import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { FileMailboxes } from '../../src/index.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { history, say, wholeHistory } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { Clock } from '../support/store-files.ts';
import { until } from '../support/until.ts';

const texts = (messages: readonly { message: string }[]): string[] => messages.map(({ message }) => message);

/** A conversation of `count` messages from both in turn, with messages of other people in between. */
async function talk(chat: ServedChat, count: number): Promise<string[]> {
  const said = [];
  for (let i = 0; i < count; i += 1) {
    const [from, to] = i % 3 === 0 ? (['henry', 'jjeong'] as const) : (['jjeong', 'henry'] as const);
    const { message, time } = await say(chat, from, to, `number ${i}`);
    said.push(message);
    // A conversation is ordered by milliseconds: two messages in the same one may change places.
    await until('the next millisecond', () => Date.now() > Date.parse(time));
    if (i % 4 === 0) await say(chat, 'mina', to, `aside ${i}`);
    if (i % 5 === 0) await say(chat, from, 'mina', `elsewhere ${i}`);
  }
  return said;
}

/** The last message has an earlier time than all others. */
async function talkWithTheClockSetBack(): Promise<{ chat: ServedChat; said: string[] }> {
  const clock = new Clock();
  const chat = await serveChat({ store: new FileMailboxes(temporaryDirectory(), { now: clock.now }) });
  await say(chat, 'jjeong', 'henry', 'one');
  clock.move(10);
  await say(chat, 'henry', 'jjeong', 'two');
  clock.move(10);
  await say(chat, 'jjeong', 'henry', 'three');
  clock.move(-60 * 60_000);
  await say(chat, 'jjeong', 'henry', 'four');
  return { chat, said: ['one', 'two', 'three', 'four'] };
}

describe('the history of two people', () => {
  test('is empty before their first message', async () => {
    const { url } = await serveChat();

    const answer = await request(url).get('/history?receiver=henry&sender=jjeong');

    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({ messages: [], before: null, cursor: '0-0' });
  });

  test('has what they said to each other, oldest first, and nothing of a third person', async () => {
    const chat = await serveChat();
    const said = await talk(chat, 20);

    const [henry, jjeong] = [await history(chat, 'henry', 'jjeong'), await history(chat, 'jjeong', 'henry')];

    expect(texts(henry.messages)).toEqual(said);
    expect(texts(jjeong.messages)).toEqual(said);
  });

  test('gives every message as it was stored', async () => {
    const chat = await serveChat();
    const stored = await say(chat, 'jjeong', 'henry', '안녕\nhi');

    const { messages } = await history(chat, 'henry', 'jjeong');

    expect(messages).toEqual([stored]);
  });

  test.each([1, 2, 3, 7, 19, 20, 21, 500])('comes without hole or double in pages of %i', async (limit) => {
    const chat = await serveChat();
    const said = await talk(chat, 20);

    const whole = await wholeHistory(chat, 'henry', 'jjeong', limit);

    expect(texts(whole)).toEqual(said);
  });

  test('has the same ids on every page and on the stream', async () => {
    const chat = await serveChat();
    await talk(chat, 9);
    const whole = await wholeHistory(chat, 'henry', 'jjeong', 2);

    const page = await listen(`${chat.url}/status?receiver=henry&since=all`);
    const heard = await page.nextUpTo('number 8');

    const ids = new Set(heard.map(({ id }) => id));
    const mine = whole.filter(({ mailbox }) => mailbox === 'henry');
    expect(mine.map(({ id }) => ids.has(id))).toEqual(mine.map(() => true));
  });

  test.each([1, 4, 50])('has foreign mail in its place, once, in pages of %i', async (limit) => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'one');
    chat.writeForeign('henry', 'data: two\n\ndata: three\n\n');
    await say(chat, 'jjeong', 'henry', 'four');
    await history(chat, 'henry', 'jjeong');
    await say(chat, 'henry', 'jjeong', 'five');
    chat.writeForeign('henry', 'data: six\n\n');

    const whole = await wholeHistory(chat, 'henry', 'jjeong', limit);

    expect(texts(whole)).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
    expect(whole.filter(({ foreign }) => foreign).map(({ message }) => message)).toEqual(['two', 'three', 'six']);
  });

  test('has foreign mail in every conversation of its receiver, and nowhere else', async () => {
    const chat = await serveChat();
    chat.writeForeign('henry', 'data: from a file\n\n');

    expect(texts((await history(chat, 'henry', 'jjeong')).messages)).toEqual(['from a file']);
    expect(texts((await history(chat, 'henry', 'mina')).messages)).toEqual(['from a file']);
    expect(texts((await history(chat, 'jjeong', 'henry')).messages)).toEqual([]);
  });

  test('misses and repeats nothing when new mail comes between its pages', async () => {
    const chat = await serveChat();
    const said = await talk(chat, 20);
    let extra = 0;
    const sayMore = (): Promise<unknown> => {
      extra += 1;
      return extra % 2 === 0
        ? say(chat, 'jjeong', 'henry', `extra ${extra}`)
        : say(chat, 'henry', 'jjeong', `extra ${extra}`);
    };

    const whole = await wholeHistory(chat, 'henry', 'jjeong', 3, sayMore);

    expect(texts(whole)).toEqual(said);
  });

  test('puts no newer message into an older page when only one person wrote lately', async () => {
    const chat = await serveChat();
    const said = [(await say(chat, 'henry', 'jjeong', 'first')).message];
    for (let i = 0; i < 5; i += 1) said.push((await say(chat, 'jjeong', 'henry', `number ${i}`)).message);

    const whole = await wholeHistory(chat, 'henry', 'jjeong', 2, () => say(chat, 'henry', 'jjeong', 'later'));

    expect(texts(whole)).toEqual(said);
  });

  test('misses and repeats nothing when the other person reads between its pages', async () => {
    const chat = await serveChat();
    const said = await talk(chat, 20);

    const whole = await wholeHistory(chat, 'henry', 'jjeong', 3, () => history(chat, 'jjeong', 'henry'));

    expect(texts(whole)).toEqual(said);
  });

  test('is the same after a restart', async () => {
    const first = await serveChat();
    const said = await talk(first, 10);
    const before = await wholeHistory(first, 'henry', 'jjeong', 3);
    await first.stop();

    const second = await serveChat({ dir: first.dir });

    expect(await wholeHistory(second, 'henry', 'jjeong', 3)).toEqual(before);
    expect(texts(before)).toEqual(said);
  });

  test.each([1, 50])(
    'reaches back past more mail of other people than one read covers, in pages of %i',
    async (limit) => {
      const chat = await serveChat();
      await say(chat, 'jjeong', 'henry', 'first');
      const foreign = Array.from({ length: 3000 }, (_, i) => foreignMessage('mina', 'henry', `aside ${i}`)).join('');
      chat.writeForeign('henry', foreign);
      await history(chat, 'henry', 'mina');
      await say(chat, 'jjeong', 'henry', 'last');

      const whole = await wholeHistory(chat, 'henry', 'jjeong', limit);

      expect(texts(whole)).toEqual(['first', 'last']);
    },
  );

  test('repeats nothing when much mail of other people lies above a message that the next page begins with', async () => {
    const chat = await serveChat();
    const asides = Array.from({ length: 2500 }, (_, i) => foreignMessage('mina', 'henry', `aside ${i}`)).join('');
    await say(chat, 'jjeong', 'henry', 'first');
    await say(chat, 'henry', 'jjeong', 'one');
    await say(chat, 'henry', 'jjeong', 'two');
    for (const text of ['second', 'third']) {
      chat.writeForeign('henry', asides);
      await history(chat, 'henry', 'mina');
      await say(chat, 'jjeong', 'henry', text);
    }

    const whole = await wholeHistory(chat, 'henry', 'jjeong', 1);

    expect(texts(whole)).toEqual(['first', 'one', 'two', 'second', 'third']);
  });

  test('shows the sender all mail that waits, however much it is', async () => {
    const chat = await serveChat();
    const said = Array.from({ length: 150 }, (_, i) => `${i}:`.padEnd(4000, '한'));
    for (const text of said) await say(chat, 'jjeong', 'henry', text);

    const whole = await wholeHistory(chat, 'jjeong', 'henry', 50);

    expect(texts(whole).map((text) => text.slice(0, 5))).toEqual(said.map((text) => text.slice(0, 5)));
  });

  test('shows once what people said to themselves', async () => {
    const chat = await serveChat();
    await say(chat, 'henry', 'henry', 'a note');

    expect(texts(await wholeHistory(chat, 'henry', 'henry', 1))).toEqual(['a note']);
  });

  test('gives a cursor from which a stream continues, with nothing missing or repeated', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'old');
    const { cursor } = await history(chat, 'henry', 'jjeong');
    await say(chat, 'jjeong', 'henry', 'new');

    const page = await listen(`${chat.url}/status?receiver=henry&lastEventId=${cursor}`);

    expect(await page.textsUpTo('new')).toEqual(['new']);
  });

  test('drains the reader’s mailbox, and leaves the file empty', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'hi');

    await history(chat, 'henry', 'jjeong');

    await until('the mailbox is empty', () => chat.mailboxText('henry') === '');
  });

  test('leaves the other person’s mailbox as it is', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'hi');
    const waiting = chat.mailboxText('henry');

    await history(chat, 'jjeong', 'henry');

    expect(chat.mailboxText('henry')).toBe(waiting);
  });

  test.each([1, 50])('keeps its order when the clock is set back by an hour, in pages of %i', async (limit) => {
    const { chat, said } = await talkWithTheClockSetBack();

    expect(texts(await wholeHistory(chat, 'henry', 'jjeong', limit))).toEqual(said);
    expect(texts(await wholeHistory(chat, 'jjeong', 'henry', limit))).toEqual(said);
  });

  test('says when a message was accepted if its own time went back, and only then', async () => {
    const { chat } = await talkWithTheClockSetBack();

    const { messages } = await history(chat, 'henry', 'jjeong');

    const times = messages.map(({ time, acceptedMs }) => acceptedMs ?? Date.parse(time));
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(messages.map((message) => 'acceptedMs' in message)).toEqual([false, false, false, true]);
  });

  test('ends with the message that the list of people shows when the clock is set back by an hour', async () => {
    const { chat, said } = await talkWithTheClockSetBack();

    const answer = await request(chat.url).get('/people?receiver=henry');

    const { people } = answer.body as { people: { name: string; last: { message: string } | null }[] };
    expect(people.find(({ name }) => name === 'jjeong')?.last?.message).toBe(said.at(-1));
  });

  test('has 50 messages unless the request asks for more', async () => {
    const chat = await serveChat();
    const said = await talk(chat, 60);

    const { messages, before } = await history(chat, 'henry', 'jjeong');

    expect(texts(messages)).toEqual(said.slice(-50));
    expect(before).not.toBeNull();
  });
});

/** Mail with a sender and a text like ours, but without an id of ours: any program can write it. */
function foreignMessage(sender: string, receiver: string, message: string): string {
  const time = new Date().toISOString();
  return `data: ${JSON.stringify({ sender, receiver, message, time, key: message })}\n\n`;
}
