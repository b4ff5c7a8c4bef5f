import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import request from 'supertest';
import type { HistoryMessage } from '../../src/http/backwards.ts';
import { FileMailboxes } from '../../src/index.ts';
import type { MailboxName } from '../../src/words/mailbox-name.ts';
import type { BackPage, IsWanted, MailEvent } from '../../src/words/mailbox-store.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { history, say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';

interface Found {
  readonly messages: readonly (HistoryMessage & { readonly around: string })[];
  readonly before: string | null;
}

async function search(chat: ServedChat, text: string, before?: string | null): Promise<Found> {
  const query = { receiver: 'henry', sender: 'jjeong', text, ...(before && { before }) };
  const { status, body } = await request(chat.url).get('/search').query(query);
  expect(status).toBe(200);
  return body as Found;
}

async function textsWith(chat: ServedChat, text: string): Promise<string[]> {
  return (await search(chat, text)).messages.map(({ message }) => message);
}

describe('a search', () => {
  test('finds what both have said, newest first, and nothing of a third person', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', 'Lunch at noon?');
    await say(chat, 'mina', 'henry', 'lunch with me');
    await say(chat, 'henry', 'mina', 'no lunch with you');
    await say(chat, 'henry', 'jjeong', 'yes, lunch');
    await say(chat, 'jjeong', 'henry', 'good');

    expect(await textsWith(chat, 'lunch')).toEqual(['yes, lunch', 'Lunch at noon?']);
    expect((await search(chat, 'lunch')).before).toBeNull();
  });

  test('finds words of any case, within words, over line breaks and composed in any way', async () => {
    const chat = await serveChat();
    await say(chat, 'jjeong', 'henry', '오늘 점심시간에 봐요');
    await say(chat, 'jjeong', 'henry', 'RÉSUMÉ of\nthe day'.normalize('NFD'));

    expect(await textsWith(chat, '심시')).toHaveLength(1);
    expect(await textsWith(chat, '점심시간'.normalize('NFD'))).toHaveLength(1);
    expect(await textsWith(chat, ' résumé  of the ')).toHaveLength(1);
    expect(await textsWith(chat, 'the résumé')).toEqual([]);
  });

  test('finds what other programs have written, in our form or not, escaped or not', async () => {
    const chat = await serveChat();
    const message = { sender: 'jjeong', receiver: 'henry', message: 'X', time: '2026-11-20T01:02:03Z', key: 'k' };
    const escaped = JSON.stringify(message).replace('X', String.raw`\uc548\ub155 http:\/\/a.test`);
    chat.writeForeign('henry', `data: ${escaped}\n\ndata: 안녕 from a shell\n\n`);

    expect(await textsWith(chat, '안녕')).toEqual(['안녕 from a shell', '안녕 http://a.test']);
    expect(await textsWith(chat, '//a.t')).toEqual(['안녕 http://a.test']);
    expect(await textsWith(chat, 'receiver')).toEqual([]);
  });

  test('finds a message by what it says now, not by what it said', async () => {
    const chat = await serveChat();
    const from = { sender: 'jjeong', receiver: 'henry' };
    const change = (fields: object) =>
      request(chat.url)
        .post('/messages')
        .send({ ...from, ...fields });
    const { id: edited } = await say(chat, 'jjeong', 'henry', 'an appel');
    const { id: removed } = await say(chat, 'jjeong', 'henry', 'a bad apple');
    await say(chat, 'henry', 'jjeong', 'what?');
    await change({ event: 'edit', of: edited, message: 'an orange' });
    await change({ event: 'edit', of: edited, message: 'an apple' });
    await change({ event: 'remove', of: removed });

    const { messages } = await search(chat, 'apple');

    expect(messages).toMatchObject([{ id: edited, message: 'an apple', edited: true }]);
    expect(await textsWith(chat, 'appel')).toEqual([]);
    expect(await textsWith(chat, 'orange')).toEqual([]);
  });

  test('gives 20 messages at a time, each once', async () => {
    const chat = await serveChat();
    for (let i = 0; i < 23; i += 1)
      await say(chat, i % 2 ? 'henry' : 'jjeong', i % 2 ? 'jjeong' : 'henry', `ring ${i}`);

    const first = await search(chat, 'ring');
    const second = await search(chat, 'ring', first.before);

    expect(first.messages).toHaveLength(20);
    expect([...first.messages, ...second.messages].map(({ message }) => message).toSorted()).toEqual(
      Array.from({ length: 23 }, (_, i) => `ring ${i}`).toSorted(),
    );
    expect(second.before).toBeNull();
  });

  test('gives with each message a page of history around it', async () => {
    const chat = await serveChat();
    for (let i = 0; i < 40; i += 1) {
      const [from, to] = i % 4 ? (['henry', 'jjeong'] as const) : (['jjeong', 'henry'] as const);
      await say(chat, from, to, i === 8 ? 'the needle' : `number ${i}`);
    }
    const { around } = (await search(chat, 'needle')).messages[0]!;

    const page = await history(chat, 'henry', 'jjeong', { before: around });

    const texts = page.messages.map(({ message }) => message);
    expect(texts.slice(0, 10)).toEqual([
      ...Array.from({ length: 8 }, (_, i) => `number ${i}`),
      'the needle',
      'number 9',
    ]);
    expect(texts.length).toBeLessThan(40);
  });

  test('finds one message among megabytes of other mail, in a room, too', async () => {
    const chat = await serveChat();
    const noise = Array.from({ length: 6000 }, (_, i) => `data: ${'noise '.repeat(80)}${i}\n\n`).join('');
    for (const mailbox of ['henry', 'room.lobby']) {
      await say(chat, 'jjeong', mailbox, 'a needle');
      chat.writeForeign(mailbox, noise);
    }

    expect(await textsWith(chat, 'needle')).toEqual(['a needle']);
    const inRoom = await request(chat.url).get('/search').query({ receiver: 'room.lobby', text: 'needle' });
    expect((inRoom.body as Found).messages.map(({ message }) => message)).toEqual(['a needle']);
  });

  test('answers after a while with what it has found so far, and where to continue', async () => {
    const chat = await serveChat({ store: new LongMailbox(temporaryDirectory()) });

    const { messages, before } = await search(chat, 'needle');

    expect(messages.map(({ message }) => message)).toEqual(['new needle']);
    expect(before).toBe('1500000000000-0~1600000000000-0');
  });
});

/** Henry's mailbox is so long that a search reads it for as long as it may. What he sent is at hand. */
class LongMailbox extends FileMailboxes {
  override async readBack(
    mailbox: MailboxName,
    _before?: string,
    _limit?: number,
    isWanted: IsWanted = () => true,
  ): Promise<BackPage> {
    const [now, then] = [event(1_600_000_000_000, 'new needle'), event(1_400_000_000_000, 'old needle')];
    if (mailbox === 'jjeong') return { events: [now, then] };
    while (!isWanted(Buffer.from('nothing'))) await setImmediate();
    const reached = event(1_500_000_000_000, 'nothing');
    return { events: [reached], more: reached.id };
  }
}

function event(time: number, message: string): MailEvent {
  const fields = { sender: 'henry', receiver: 'jjeong', message, time: new Date(time).toISOString(), key: message };
  return { id: `${time}-0`, time, data: JSON.stringify(fields) };
}

test.each([
  ['no text', {}],
  ['one character', { text: '한 '.normalize('NFD') }],
  ['more than 200 characters', { text: 'x'.repeat(201) }],
])('a search for %s is refused', async (_, query) => {
  const { url } = await serveChat();

  const { status, body } = await request(url)
    .get('/search')
    .query({ receiver: 'henry', sender: 'jjeong', ...query });

  expect(status).toBe(400);
  expect(body).toEqual({ error: 'INVALID_REQUEST', message: '"text" must have 2 to 200 characters.' });
});
