import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { listen, textOf } from '../support/listener.ts';
import { onFiles } from '../support/mail-place.ts';
import { say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

const room = ({ url }: ServedChat, person: string): string => `${url}/status?receiver=room.lobby&person=${person}`;

describe('a group room', () => {
  test('sends everybody what anybody says, including the sender', async () => {
    const chat = await serveChat();
    const pages = await Promise.all(['henry', 'jjeong', 'mina'].map((person) => listen(room(chat, person))));

    await say(chat, 'henry', 'room.lobby', '안녕');
    await say(chat, 'mina', 'room.lobby', 'hi');

    for (const page of pages) expect(await page.textsUpTo('hi')).toEqual(['안녕', 'hi']);
  });

  test('begins with what is said from now on, and continues from a cursor', async () => {
    const chat = await serveChat();
    const first = await listen(room(chat, 'henry'));
    const { id } = await say(chat, 'jjeong', 'room.lobby', 'before');
    await first.textsUpTo('before');
    await say(chat, 'jjeong', 'room.lobby', 'meanwhile');
    await first.textsUpTo('meanwhile');

    const newcomer = await listen(room(chat, 'mina'));
    const back = await listen(room(chat, 'henry'), { lastEventId: id });
    await say(chat, 'jjeong', 'room.lobby', 'now');

    expect(await newcomer.textsUpTo('now')).toEqual(['now']);
    expect(await back.textsUpTo('now')).toEqual(['meanwhile', 'now']);
  });

  test('keeps its messages for people who come later, in pages that miss and repeat nothing', async () => {
    const chat = await serveChat();
    const said = ['one', 'two', 'three', 'four', 'five'];
    for (const [i, text] of said.entries()) await say(chat, i % 2 === 0 ? 'henry' : 'jjeong', 'room.lobby', text);

    const whole: string[] = [];
    let before: string | null | undefined;
    do {
      const query = { receiver: 'room.lobby', limit: '2', ...(before ? { before } : {}) };
      const answer = await request(chat.url).get('/history').query(query);
      const page = answer.body as { messages: { message: string }[]; before: string | null };
      whole.unshift(...page.messages.map(({ message }) => message));
      before = page.before;
    } while (before !== null);

    expect(whole).toEqual(said);
  });

  test('says who arrives', async () => {
    const chat = await serveChat();
    const page = await listen(room(chat, 'henry'), { types: ['presence'] });

    await listen(room(chat, 'mina'));

    const told = await until('mina', () => page.heard.find(({ data }) => data.includes('"mina"')));
    expect(told.type).toBe('presence');
    expect(JSON.parse(told.data)).toMatchObject({ person: 'mina', online: true, room: 'room.lobby', count: 2 });
  });

  test('is not a person: nobody can send or be listed under its name', async () => {
    const chat = await serveChat();

    const spoken = await request(chat.url)
      .post('/messages')
      .send({ sender: 'room.lobby', receiver: 'henry', message: 'hi' });

    expect(spoken.status).toBe(400);
  });

  onFiles(test)('shows mail from a file, too', async () => {
    const chat = await serveChat();
    const page = await listen(room(chat, 'henry'));

    chat.writeForeign('room.lobby', 'data: from a shell\n\n');

    expect(textOf(await page.next())).toBe('from a shell');
  });

  test('accepts only short messages', async () => {
    const { url } = await serveChat();
    const send = (length: number): request.Test =>
      request(url)
        .post('/messages')
        .send({ sender: 'henry', receiver: 'room.lobby', message: '한'.repeat(length) });

    expect([(await send(1000)).status, (await send(1001)).status]).toEqual([201, 413]);
  });
});
