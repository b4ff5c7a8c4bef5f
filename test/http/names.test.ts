import { describe, expect, test } from '@jest/globals';
import { Invitations } from '../../src/access/invitations.ts';
import { personName } from '../../src/words/mailbox-name.ts';
import { listen } from '../support/listener.ts';
import { listing } from '../support/directory.ts';
import { say, type At } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';
import { bearer, serveLinks } from '../security/kit/links.ts';

interface Named {
  readonly name: string;
  readonly shown: string;
  readonly known: boolean;
}

const MAIL = { sender: 'kim-min', receiver: 'henry', message: 'hi', time: '2026-11-20T01:02:03.000Z', key: 'k' };

async function called({ url }: At, typed: string, headers: Readonly<Record<string, string>> = {}): Promise<Named> {
  const response = await fetch(`${url}/names?${new URLSearchParams({ name: typed }).toString()}`, { headers });
  return (await response.json()) as Named;
}

describe('a name as people type it', () => {
  test.each([
    ['Kim Min', 'kim-min', 'Kim Min'],
    ['홍 길동', '홍-길동', '홍 길동'],
    ['홍 길동'.normalize('NFD'), '홍-길동', '홍 길동'],
    ["O'Neil", 'oneil', "O'Neil"],
    ['O’Neil', 'oneil', 'O’Neil'],
    ['  Henry  ', 'henry', 'Henry'],
    ['Dr. Kim', 'dr.-kim', 'Dr. Kim'],
    ['Sammy Jr.', 'sammy-jr', 'Sammy Jr.'],
    ['ann@example.org', 'ann-example.org', 'ann@example.org'],
    ['민아 😀', '민아', '민아 😀'],
    ['con', 'con_', 'con'],
    ['NUL.x', 'nul-x', 'NUL.x'],
    ['henry.txt', 'henry-txt', 'henry.txt'],
    ['\u202ehen\u200bry\u3164', 'henry', 'henry'],
  ])('%j has the mailbox %s', async (typed, name, shown) => {
    expect(await called(await serveChat(), typed)).toMatchObject({ name, shown });
  });

  test.each(['', ' ', '😀', '../henry', '.henry', 'a/b', 'room.lobby', 'x'.repeat(65), '\u{20000}'.repeat(60)])(
    '%j has none',
    async (typed) => {
      expect(await called(await serveChat(), typed)).toMatchObject({ error: 'INVALID_NAME' });
    },
  );
});

describe('a message', () => {
  const send = async ({ url }: At, fields: object): Promise<Response> =>
    fetch(`${url}/messages`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ receiver: 'henry', message: 'hi', ...fields }),
    });
  const history = async ({ url }: At, sender: string): Promise<object[]> => {
    const response = await fetch(`${url}/history?receiver=henry&sender=${sender}`);
    return ((await response.json()) as { messages: object[] }).messages;
  };

  test('shows how its sender types the name, live and in the history', async () => {
    const chat = await serveChat();
    const listener = await listen(`${chat.url}/status?receiver=henry`);

    const sent = await send(chat, { sender: 'kim-min', name: 'Kim Min' });

    expect(sent.status).toBe(201);
    expect(await sent.json()).toMatchObject({ sender: 'kim-min', name: 'Kim Min' });
    const { data } = await listener.next();
    expect(JSON.parse(data)).toMatchObject({ sender: 'kim-min', name: 'Kim Min' });
    expect(await history(chat, 'kim-min')).toEqual([expect.objectContaining({ name: 'Kim Min' })]);
  });

  test.each(['jjeong', 'Kim  Min', 'Kim Min\u200b', `Kim Min${'😀'.repeat(64)}`, ''])(
    'cannot pass for somebody else’s, or have a name that nobody would type: %j',
    async (name) => {
      const chat = await serveChat();

      expect((await send(chat, { sender: 'kim-min', name })).status).toBe(400);
      chat.writeForeign('henry', `data: ${JSON.stringify({ ...MAIL, name })}\n\n`);
      expect(await history(chat, 'kim-min')).toEqual([expect.not.objectContaining({ name })]);
    },
  );
});

describe('somebody', () => {
  test('is known if expected, invited, or here before', async () => {
    const chat = await serveChat({ people: ['henry'] });
    await listen(`${chat.url}/status?receiver=mina`);
    const links = await serveLinks({ people: [] });
    new Invitations(links.dir).invite(personName('anna'));

    expect(await called(chat, 'Henry')).toMatchObject({ known: true });
    expect(await called(chat, 'mina')).toMatchObject({ known: true });
    expect(await called(links, 'anna', bearer(links.keys.henry))).toMatchObject({ known: true });
  });

  test('is not known if others have only written to them, and asking makes no mailbox', async () => {
    const chat = await serveChat({ people: ['henry'] });
    await say(chat, 'henry', 'jjeogn', 'hi');
    const before = listing(chat.dir);

    expect(await called(chat, 'jjeogn')).toMatchObject({ known: false });
    expect(await called(chat, 'somebody')).toMatchObject({ known: false });
    expect(listing(chat.dir)).toEqual(before);
  });
});
