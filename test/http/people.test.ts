import { describe, expect, test } from '@jest/globals';
import { say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';

const letter = { sender: 'jjeong', receiver: 'henry', message: 'hi', time: '2026-11-20T01:02:03.000Z' };

describe('the list of people', () => {
  test('keeps everybody who wrote, with their unread counts, however much other mail comes later', async () => {
    const chat = await serveChat();
    for (const text of ['one', 'two', 'three']) await say(chat, 'mina', 'henry', text);
    await peopleOf(chat);

    for (let n = 0; n < 20; n += 1) {
      chat.writeForeign('henry', `\n\ndata: report ${n} ${'x'.repeat(900_000)}\n\n`);
      await peopleOf(chat);
    }
    const many = Array.from({ length: 2500 }, (_, n) => `data: ${JSON.stringify({ ...letter, key: `${n}` })}\n\n`);
    chat.writeForeign('henry', `\n\n${many.join('')}`);

    const mina = { unread: 3, last: { message: 'three' } };
    expect((await peopleOf(chat)).find(({ name }) => name === 'mina')).toMatchObject(mina);
    await chat.stop();
    const again = await serveChat({ dir: chat.dir });
    expect((await peopleOf(again)).find(({ name }) => name === 'mina')).toMatchObject(mina);
  });

  test('counts each message once when many ask for the list at once', async () => {
    const chat = await serveChat();
    await say(chat, 'mina', 'henry', 'one');

    await Promise.all(Array.from({ length: 10 }, () => peopleOf(chat)));
    await say(chat, 'mina', 'henry', 'two');
    const lists = await Promise.all(Array.from({ length: 10 }, () => peopleOf(chat)));

    for (const people of lists) expect(people.find(({ name }) => name === 'mina')).toMatchObject({ unread: 2 });
  });

  test('shows the last message as it is after its changes, and counts as unread what was not removed', async () => {
    const chat = await serveChat();
    const change = async (fields: object): Promise<void> => {
      const headers = { 'Content-Type': 'application/json' };
      const answer = await fetch(`${chat.url}/messages`, { method: 'POST', headers, body: JSON.stringify(fields) });
      expect(answer.status).toBe(201);
    };
    const listed = async (from = chat): Promise<Listed[]> => (await peopleOf(from)).filter(({ last }) => last !== null);
    const from = { sender: 'mina', receiver: 'henry' };
    const { id: of } = await say(chat, 'mina', 'henry', 'helo');
    const own = await say(chat, 'henry', 'jjeong', 'oops');
    await change({ event: 'remove', sender: 'henry', receiver: 'jjeong', of: own.id });
    await change({ event: 'edit', ...from, of, message: 'hello' });

    const edited = await listed();
    await change({ event: 'react', sender: 'jjeong', receiver: 'henry', of: own.id, emoji: '👍' });
    await change({ event: 'remove', ...from, of });
    const removed = await listed();

    const removedOwn = { name: 'jjeong', unread: 0, last: { message: '', removed: true } };
    expect(edited).toMatchObject([removedOwn, { name: 'mina', unread: 1, last: { message: 'hello', edited: true } }]);
    expect(removed).toMatchObject([removedOwn, { name: 'mina', unread: 0, last: { message: '', removed: true } }]);
    await chat.stop();
    expect(await listed(await serveChat({ dir: chat.dir }))).toEqual(removed);
  });
});

interface Listed {
  readonly name: string;
  readonly unread: number;
  readonly last: { readonly message: string } | null;
}

async function peopleOf({ url }: ServedChat): Promise<Listed[]> {
  const answer = await fetch(`${url}/people?receiver=henry`);
  return ((await answer.json()) as { people: Listed[] }).people;
}
