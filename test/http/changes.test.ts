import { describe, expect, test } from '@jest/globals';
import request, { type Response } from 'supertest';
import { history, say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';

const post = ({ url }: ServedChat, body: object): Promise<Response> => request(url).post('/messages').send(body);

async function chatWithMessage(): Promise<{ chat: ServedChat; id: string }> {
  const chat = await serveChat();
  const { id } = await say(chat, 'jjeong', 'henry', 'helo');
  return { chat, id };
}

const MALFORMED: readonly (readonly [string, object])[] = [
  ['an unknown event', { event: 'delete', of: '1-0' }],
  ['an edit without a text', { event: 'edit', of: '1-0' }],
  ['an edit with an empty text', { event: 'edit', of: '1-0', message: '' }],
  ['an edit of nothing', { event: 'edit', message: 'x' }],
  ['an edit with an emoji', { event: 'edit', of: '1-0', message: 'x', emoji: '👍' }],
  ['a removal with a text', { event: 'remove', of: '1-0', message: 'x' }],
  ['a reaction with a letter', { event: 'react', of: '1-0', emoji: 'a' }],
  ['a reaction with two emoji', { event: 'react', of: '1-0', emoji: '👍👍' }],
  ['a reaction with a pile of marks', { event: 'react', of: '1-0', emoji: `👍${'\u0301'.repeat(10)}` }],
  ['a message with an emoji', { message: 'x', emoji: '👍' }],
  ['a message that changes another', { message: 'x', of: '1-0' }],
  ['a reply to something that is no id', { message: 'x', replyTo: 'the last one' }],
];

describe('a change of a message', () => {
  const from = { sender: 'jjeong', receiver: 'henry' };

  test.each([
    ['edit', { message: 'hello' }],
    ['react', { emoji: '👩🏽‍🚒' }],
    ['remove', {}],
  ])('%s is an event of its own, which its sender gets back', async (event, more) => {
    const { chat, id: of } = await chatWithMessage();

    const answer = await post(chat, { event, ...from, of, ...more, key: 'k1' });

    const { id, time } = answer.body as { id: string; time: string };
    const data = { ...from, of, ...more, time, key: 'k1' };
    expect(answer.status).toBe(201);
    expect(answer.body).toEqual({ id, mailbox: 'henry', event, ...data, state: 'sent' });
    expect(chat.mailboxText('henry')).toContain(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  });

  test('with the same key is stored once, and refused if it says something else', async () => {
    const { chat, id: of } = await chatWithMessage();
    const reaction = { event: 'react', ...from, of, emoji: '👍', key: 'k1' };
    const first = await post(chat, reaction);

    const [again, other] = [await post(chat, reaction), await post(chat, { ...reaction, emoji: '🎉' })];

    expect(again.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect(other.body).toMatchObject({ error: 'KEY_REUSED' });
  });

  test.each(['edit', 'remove'])('%s is refused to all but the sender of the message', async (event) => {
    const { chat, id: of } = await chatWithMessage();
    const own = await say(chat, 'ben', 'henry', 'mine');
    const change = { event, of, ...(event === 'edit' && { message: 'x' }) };

    const answers = [
      await post(chat, { ...change, sender: 'ben', receiver: 'henry' }),
      await post(chat, { ...change, sender: 'henry', receiver: 'jjeong' }),
      await post(chat, { ...change, ...from, of: own.id }),
      await post(chat, { ...change, ...from, of: '1-0' }),
      await post(chat, { ...change, ...from, of: 'no id' }),
    ];

    const sentences = answers.map(({ body }) => (body as { message: string }).message.replace(/^\w+/, ''));
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404, 404, 404]);
    expect(new Set(sentences).size).toBe(1);
  });

  test('of a change is refused: only the message itself has one', async () => {
    const { chat, id: of } = await chatWithMessage();
    const edit = await post(chat, { event: 'edit', ...from, of, message: 'hello' });

    const answer = await post(chat, { event: 'edit', ...from, of: (edit.body as { id: string }).id, message: 'x' });

    expect(answer.status).toBe(404);
  });

  test('that edits a removed message is refused; one that edits an edited message is not', async () => {
    const { chat, id: of } = await chatWithMessage();
    const edit = { event: 'edit', ...from, of, message: 'hello' };

    const edits = [await post(chat, edit), await post(chat, { ...edit, message: 'hello!' })];
    await post(chat, { event: 'remove', ...from, of });
    const late = await post(chat, edit);

    expect(edits.map(({ status }) => status)).toEqual([201, 201]);
    expect(late.status).toBe(409);
    expect(late.body).toMatchObject({ error: 'MESSAGE_REMOVED' });
  });

  test('that edits a message is accepted, although another program pretends to have removed it', async () => {
    const { chat, id: of } = await chatWithMessage();
    const edit = { event: 'edit', ...from, of, message: 'hello' };
    await post(chat, edit);
    chat.writeForeign('henry', `event: remove\ndata: ${JSON.stringify({ sender: 'jjeong', of })}\n\n`);
    await history(chat, 'henry', 'jjeong'); // reads it

    const again = await post(chat, { ...edit, message: 'hello!' });

    expect(again.status).toBe(201);
    expect((await history(chat, 'henry', 'jjeong')).messages).toMatchObject([{ id: of, message: 'hello!' }]);
  });

  test.each([
    ['either of the two', 'henry', 'henry', 'jjeong', 201],
    ['its own sender', 'henry', 'jjeong', 'henry', 201],
    ['somebody else', 'henry', 'ben', 'jjeong', 404],
    ['anybody in a room', 'room.lobby', 'ben', 'room.lobby', 201],
  ])('reacts to a message of %s', async (_, to, sender, receiver, status) => {
    const chat = await serveChat();
    const { id: of } = await say(chat, 'jjeong', to, 'hello');

    const answer = await post(chat, { event: 'react', sender, receiver, of, emoji: '🇰🇷' });

    expect(answer.status).toBe(status);
  });

  test('reacts to text of another program in one’s own mailbox', async () => {
    const chat = await serveChat();
    chat.writeForeign('henry', 'data: from a shell\n\n');
    const { events } = (await (
      await fetch(`${chat.url}/status?receiver=henry&since=all`, { headers: { accept: 'application/json' } })
    ).json()) as { events: { id: string }[] };

    const answer = await post(chat, {
      event: 'react',
      sender: 'henry',
      receiver: 'jjeong',
      of: events[0]!.id,
      emoji: '',
    });

    expect(answer.status).toBe(201);
  });

  test('that is malformed is refused, and nothing is written', async () => {
    const { chat } = await chatWithMessage();
    const before = chat.mailboxText('henry');

    const accepted: string[] = [];
    for (const [what, body] of MALFORMED) {
      const { status, body: problem } = await post(chat, { ...from, ...body });
      if (status !== 400 || (problem as { error: string }).error !== 'INVALID_MESSAGE') accepted.push(what);
    }

    expect(accepted).toEqual([]);
    expect(chat.mailboxText('henry')).toBe(before);
  });

  test('a reply names the message that it answers', async () => {
    const { chat, id: replyTo } = await chatWithMessage();

    const answer = await post(chat, { sender: 'henry', receiver: 'jjeong', message: 'hi', replyTo, key: 'k1' });

    const { time } = answer.body as { time: string };
    const data = { sender: 'henry', receiver: 'jjeong', message: 'hi', replyTo, time, key: 'k1' };
    expect(answer.status).toBe(201);
    expect(chat.mailboxText('jjeong')).toContain(`data: ${JSON.stringify(data)}\n`);
  });
});

describe('the history', () => {
  test('shows each message as it is after its changes', async () => {
    const { chat, id: of } = await chatWithMessage();
    const { id: removed } = await say(chat, 'jjeong', 'henry', 'a secret');
    await post(chat, { event: 'react', sender: 'henry', receiver: 'jjeong', of, emoji: '👍' });
    await post(chat, { event: 'edit', sender: 'jjeong', receiver: 'henry', of, message: 'hello' });
    await post(chat, { event: 'remove', sender: 'jjeong', receiver: 'henry', of: removed });

    const { messages, changes } = await history(chat, 'henry', 'jjeong');

    expect(messages).toMatchObject([
      { id: of, message: 'hello', edited: true, reactions: { henry: '👍' } },
      { id: removed, message: '', removed: true },
    ]);
    expect(changes?.map(({ event }) => event)).toEqual(['react', 'edit', 'remove']);
    expect(await history(chat, 'jjeong', 'henry')).toMatchObject({ messages: [{ edited: true }, { removed: true }] });
  });

  test('gives the changes of a page for messages on older ones, and does not count them', async () => {
    const { chat, id: of } = await chatWithMessage();
    const { id } = await say(chat, 'jjeong', 'henry', 'newest');
    for (const emoji of ['👍', '🎉', ''])
      await post(chat, { event: 'react', sender: 'jjeong', receiver: 'henry', of, emoji });

    const newest = await history(chat, 'henry', 'jjeong', { limit: '1' });
    const older = await history(chat, 'henry', 'jjeong', { limit: '1', before: newest.before! });

    expect(newest.messages.map((message) => message.id)).toEqual([id]);
    expect(newest.changes).toMatchObject(
      ['👍', '🎉', ''].map((emoji) => ({ event: 'react', sender: 'jjeong', of, emoji })),
    );
    expect(older).toMatchObject({ messages: [{ id: of, message: 'helo' }], before: null });
    expect(older).not.toHaveProperty('changes');
  });

  test('shows a change of another program only where it may change something', async () => {
    const { chat, id: of } = await chatWithMessage();
    const write = (event: string, fields: object): void =>
      chat.writeForeign('henry', `event: ${event}\ndata: ${JSON.stringify({ sender: 'jjeong', ...fields })}\n\n`);
    write('edit', { of, message: 'forged' });
    write('react', { of, emoji: '😮' });
    write('edit', { of, message: 'to somebody else', receiver: 'ben' });

    const { messages } = await history(chat, 'henry', 'jjeong');

    expect(messages).toMatchObject([
      { id: of, message: 'helo', reactions: { jjeong: '😮' } },
      { sender: null, foreign: true, message: expect.stringContaining('"receiver":"ben"') },
    ]);
    expect(messages[0]).not.toHaveProperty('edited');
  });
});

describe('a stream', () => {
  const received = async ({ url }: ServedChat, query: string): Promise<{ type: string; data: string }[]> => {
    const answer = await fetch(`${url}/status?receiver=henry&since=all${query}`, {
      headers: { accept: 'application/json' },
    });
    return ((await answer.json()) as { events: { type: string; data: string }[] }).events;
  };

  test('gives a change as an event of its type, with the data as it is stored or as the history gives it', async () => {
    const { chat, id: of } = await chatWithMessage();
    const { body } = await post(chat, {
      event: 'edit',
      sender: 'jjeong',
      receiver: 'henry',
      of,
      message: 'hello',
      key: 'k1',
    });

    const [stored, shown] = [await received(chat, ''), await received(chat, '&as=history')];

    const { id, time } = body as { id: string; time: string };
    const fields = { sender: 'jjeong', receiver: 'henry', of, message: 'hello', time, key: 'k1' };
    expect(stored.map(({ type }) => type)).toEqual(['message', 'edit']);
    expect(JSON.parse(stored[1]!.data)).toEqual(fields);
    expect(shown.map(({ type }) => type)).toEqual(['message', 'edit']);
    expect(JSON.parse(shown[1]!.data)).toEqual({ event: 'edit', mailbox: 'henry', id, ...fields });
  });
});
