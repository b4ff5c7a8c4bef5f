import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Conversation } from '../../public/js/conversation.js';
import type { HistoryMessage } from '../../src/http/backwards.ts';
import { listen } from '../support/listener.ts';
import { history, say, wholeHistory } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';

const TIME = '2026-11-20T01:02:03.000Z';
const letter = { sender: 'jjeong', receiver: 'henry', message: 'hi', time: TIME, key: 'k' };
const without = (field: keyof typeof letter): object => ({ ...letter, [field]: undefined });

/** What another program writes to henry, as the data of one event, and the sender that his conversation with jjeong shows. */
const EXAMPLES: readonly (readonly [what: string, data: unknown, from: 'jjeong' | 'a file' | 'not shown'])[] = [
  ['text', 'hi', 'a file'],
  ['an empty text', '', 'a file'],
  ['a message in our form', letter, 'jjeong'],
  ['one with another field', { ...letter, priority: 5 }, 'jjeong'],
  ['one without a receiver', without('receiver'), 'jjeong'],
  ['one whose names are in capitals', { ...letter, sender: 'JJeong', receiver: 'HENRY' }, 'jjeong'],
  ['one to somebody else', { ...letter, receiver: 'mina' }, 'a file'],
  ['one to a name that nobody can have', { ...letter, receiver: '../henry' }, 'a file'],
  ['one to null', { ...letter, receiver: null }, 'a file'],
  ['one from somebody else', { ...letter, sender: 'mina' }, 'not shown'],
  ['one from a sender with a space', { ...letter, sender: 'Night Backup' }, 'a file'],
  ['one whose sender looks like a file', { ...letter, sender: 'jjeong.txt' }, 'a file'],
  ['one whose sender is a device of Windows', { ...letter, sender: 'con' }, 'a file'],
  ['one from a room', { ...letter, sender: 'room.lobby' }, 'a file'],
  ['one whose sender has 65 letters', { ...letter, sender: 'j'.repeat(65) }, 'a file'],
  ['one with an empty sender', { ...letter, sender: '' }, 'a file'],
  ['one whose sender is a number', { ...letter, sender: 7 }, 'a file'],
  ['one whose sender is an object', { ...letter, sender: { name: 'jjeong' } }, 'a file'],
  ['one without a sender', without('sender'), 'a file'],
  ['one without a text', without('message'), 'a file'],
  ['one with an empty text, as if that was removed', { ...letter, message: '' }, 'jjeong'],
  ['one whose text is a list', { ...letter, message: ['hi'] }, 'a file'],
  ['one without a time', without('time'), 'a file'],
  ['one with a time in words', { ...letter, time: 'yesterday' }, 'jjeong'],
  ['one with a time without a zone', { ...letter, time: '2026-11-20T01:02:03' }, 'jjeong'],
  ['one with a time past the end of time', { ...letter, time: '+275760-09-13T00:00:00.001Z' }, 'jjeong'],
  ['one with a time at the end of time', { ...letter, time: '+275760-09-13T00:00:00.000Z' }, 'jjeong'],
  ['one with a time before our era', { ...letter, time: '-000753-04-21T00:00:00Z' }, 'jjeong'],
  ['one with an empty time', { ...letter, time: '' }, 'jjeong'],
  ['one with a time that is a number', { ...letter, time: 1763600000000 }, 'a file'],
  ['one without a key', without('key'), 'a file'],
  ['one with an empty key', { ...letter, key: '' }, 'jjeong'],
  ['one with half a surrogate pair', { ...letter, message: '\ud83d' }, 'jjeong'],
  ['JSON in another form', { temperature: 21 }, 'a file'],
  ['a list', [letter], 'a file'],
  ['null', null, 'a file'],
  ['JSON with a space in front', ` ${JSON.stringify(letter)}`, 'a file'],
  ['JSON that is cut off', JSON.stringify(letter).slice(0, -1), 'a file'],
  ['JSON with a prototype', '{"__proto__":{"sender":"jjeong"},"constructor":1}', 'a file'],
];

const dataOf = (data: unknown): string => (typeof data === 'string' ? data : JSON.stringify(data));

/** Every other event has a type of its own. */
const eventOf = (data: string, i: number): string => `${i % 2 ? 'event: backup\n' : ''}data: ${data}\n\n`;

/** What a page that was open all the time shows of the conversation with jjeong. */
async function live(chat: ServedChat, end: string): Promise<Conversation> {
  const stream = await listen(`${chat.url}/status?receiver=henry&since=all&as=history`);
  const heard = await stream.nextUpTo(end);
  const mail = heard.filter(({ type }) => type === 'message').map(({ data }) => JSON.parse(data) as HistoryMessage);
  return shown(mail.filter(({ sender, foreign }) => foreign === true || sender === 'jjeong'));
}

const reloaded = async (chat: ServedChat, limit: number): Promise<Conversation> =>
  shown(await wholeHistory(chat, 'henry', 'jjeong', limit));

function shown(mail: HistoryMessage[]): Conversation {
  const conversation = new Conversation('henry', 'henry');
  conversation.merge(mail);
  return conversation;
}

/** The time of foreign text is when it was read. It changes within a second, when its file moves to the log. */
function expectSame(page: Conversation, again: Conversation): void {
  const linesOf = ({ messages }: Conversation): unknown[] =>
    messages.map(({ identity, sender, message, foreign, viaFile }) => [identity, sender, message, foreign, viaFile]);
  expect(linesOf(page)).toEqual(linesOf(again));
  const apart = page.messages.map(({ time }, i) => Math.abs(time - again.messages[i]!.time));
  expect(Math.max(0, ...apart)).toBeLessThanOrEqual(1000);
}

describe('mail that another program writes', () => {
  test.each(EXAMPLES)('is shown the same live and after a reload: %s', async (_, data, from) => {
    const chat = await serveChat();
    const text = dataOf(data);

    chat.writeForeign('henry', `\n\n${eventOf(text, 0)}${eventOf(text, 1)}`);
    await say(chat, 'jjeong', 'henry', 'end');

    const page = await live(chat, 'end');
    expectSame(page, await reloaded(chat, 50));
    const senders = page.messages.map(({ sender, foreign }) => (foreign ? 'a file' : sender));
    expect(senders).toEqual(from === 'not shown' ? ['jjeong'] : [from, from, 'jjeong']);
    const marked = page.messages.map(({ foreign, viaFile }) => foreign || viaFile);
    expect(marked).toEqual(from === 'not shown' ? [false] : [true, true, false]);
    const people = await fetch(`${chat.url}/people?receiver=henry`);
    expect(people.status).toBe(200);
  });

  const field = fc.oneof(
    fc.constantFrom('jjeong', 'JJEONG', 'henry', 'mina', 'room.lobby', TIME, '', 'k'),
    fc.string({ unit: 'binary' }),
    fc.jsonValue(),
  );
  const strange = fc.oneof(
    fc.record({ sender: field, receiver: field, message: field, time: field, key: field }, { requiredKeys: [] }),
    fc.record({ sender: field, receiver: field, message: fc.string({ minLength: 1 }), time: field, key: fc.string() }),
    fc.jsonValue(),
  );

  test('is shown the same live and after a reload, whatever it is', async () => {
    const chat = await serveChat();
    let round = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(strange, { minLength: 10, maxLength: 30 }), async (all) => {
        chat.writeForeign(
          'henry',
          `\n\n${all.map((data, i) => eventOf(dataOf(data).replaceAll('\n', ' '), i)).join('')}`,
        );
        const end = `end ${(round += 1)}`;
        await say(chat, 'jjeong', 'henry', end);

        expectSame(await live(chat, end), await reloaded(chat, 500));
        expect((await fetch(`${chat.url}/people?receiver=henry`)).status).toBe(200);
      }),
      { numRuns: 20 },
    );
  });

  test('is the same by long polling as on a stream', async () => {
    const chat = await serveChat();
    chat.writeForeign('henry', EXAMPLES.map(([, data], i) => eventOf(dataOf(data), i)).join(''));
    await say(chat, 'jjeong', 'henry', 'end');

    const answer = await fetch(`${chat.url}/status?receiver=henry&since=all&as=history`, {
      headers: { accept: 'application/json' },
    });

    const { events } = (await answer.json()) as { events: { type: string; data: string }[] };
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(['message']));
    const mail = events.map(({ data }) => JSON.parse(data) as HistoryMessage);
    const page = shown(mail.filter(({ sender, foreign }) => foreign === true || sender === 'jjeong'));
    expectSame(page, await reloaded(chat, 50));
  });

  test('counts as unread mail from its sender, in the conversation that shows it', async () => {
    const chat = await serveChat();
    chat.writeForeign('henry', `data: ${JSON.stringify({ ...letter, sender: 'MINA' })}\n\n`);

    const people = await peopleOf(chat);

    expect(people.find(({ name }) => name === 'mina')).toMatchObject({ unread: 1, last: { message: 'hi' } });
    expect((await history(chat, 'henry', 'mina')).messages.map(({ message }) => message)).toEqual(['hi']);
  });
});

test('mail that a program writes in a person’s name appears on that person’s pages once the receiver has it', async () => {
  const chat = await serveChat();
  const henry = await listen(`${chat.url}/status?receiver=henry`, { types: ['sent'] });
  await listen(`${chat.url}/status?receiver=jjeong`);

  chat.writeForeign('jjeong', `data: ${JSON.stringify({ ...letter, sender: 'henry', receiver: 'jjeong' })}\n\n`);

  const { type, data } = await henry.next();
  const { messages } = await history(chat, 'henry', 'jjeong');
  expect(type).toBe('sent');
  expect(messages).toEqual([{ ...JSON.parse(data), time: messages[0]!.time, state: expect.any(String) }]);
});

test('an unknown form of mail is refused', async () => {
  const { url } = await serveChat();

  const answer = await fetch(`${url}/status?receiver=henry&as=poem`);

  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: 'INVALID_REQUEST' });
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
