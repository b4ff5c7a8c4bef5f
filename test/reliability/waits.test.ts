import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { Running, cleanUp } from '../command/running.ts';
import { copyDirectory } from '../faults/kit/world.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { history, reportReceipt, say, type At } from '../support/requests.ts';
import { Bystander } from './kit/bystander.ts';
import { startChat, type Chat } from './kit/chat-command.ts';
import { drained, mailboxFile, numbered, type Place } from './kit/mail.ts';
import { makeDirectory, removeDirectory } from '../support/make-directory.ts';

/** Nobody may wait 50 ms for somebody else's request. Ten times that allows for a machine that is busy with other things. */
const BUSY_MACHINE_MS = 500;
/** Whoever asks for much waits a few seconds on an idle machine, but not forever. */
const ASKER_MS = 20_000;

const PEOPLE = 200;
const FRIENDS = numbered('friend', PEOPLE).map((name) => name.replace(' ', ''));

/** Runs `work` while others send small requests. Returns the longest time that one of them waited. */
async function waitFor(chat: At, work: () => Promise<unknown>): Promise<number> {
  const bystander = new Bystander(chat);
  const beganMs = performance.now();
  await work();
  expect(performance.now() - beganMs).toBeLessThan(ASKER_MS);
  return bystander.longestWaitMs();
}

async function asked({ url }: At, path: string): Promise<unknown> {
  const response = await fetch(url + path, { headers: { Accept: 'application/json' } });
  return response.json();
}

describe('on a log of 76 MB from 200 people, nobody waits long', () => {
  let heavy = '';

  beforeAll(async () => {
    heavy = makeDirectory();
    try {
      const { port } = await new Running(['--port', '0', '--dir', heavy]).ready();
      appendMany({ dir: heavy }, 199_000);
      await readAll({ url: `http://127.0.0.1:${port}`, dir: heavy });
    } finally {
      await cleanUp(); // killed: the next server starts on what it left
    }
  }, 120_000);

  afterAll(() => removeDirectory(heavy));

  async function startOnHeavy(): Promise<Chat> {
    const dir = join(temporaryDirectory(), 'mailboxes');
    copyDirectory(heavy, dir);
    return startChat({ dir });
  }

  const requests: [string, (chat: Chat) => Promise<unknown>][] = [
    ['for the first message after a start', (chat) => say(chat, 'mina', 'henry', 'hi', 'key')],
    ['for a stream since a day ago', (chat) => asked(chat, '/status?receiver=henry&since=1d&wait=0')],
    ['for a stream since a minute ago', (chat) => asked(chat, '/status?receiver=henry&since=1m&wait=0')],
    ['for a conversation of long ago', (chat) => wayBack(chat)],
  ];
  test.each(requests)('%s', async (_, ask) => {
    const chat = await startOnHeavy();

    expect(await waitFor(chat, () => ask(chat))).toBeLessThan(BUSY_MACHINE_MS);
  });
});

describe('nobody waits long', () => {
  test('when a key is sent again while 199,000 messages wait', async () => {
    const chat = await startChat();
    const keys = numbered('key', 10);
    const first = await Promise.all(keys.map((key) => say(chat, 'jjeong', 'henry', `text of ${key}`, key)));
    appendMany(chat, 199_000);

    let again: unknown[] = [];
    const longestMs = await waitFor(chat, async () => {
      await say(chat, 'jjeong', 'henry', 'text of key 0', 'key 0');
      again = await Promise.all(keys.map((key) => say(chat, 'jjeong', 'henry', `text of ${key}`, key)));
    });

    expect(again).toEqual(first);
    expect(longestMs).toBeLessThan(BUSY_MACHINE_MS);
  });

  test('for the list of people when 200 of them have mail that waits', async () => {
    const chat = await startChat();
    appendMany(chat, PEOPLE * 2);
    for (const name of FRIENDS) appendMany(chat, 1300, name);

    const longestMs = await waitFor(chat, async () => {
      const { people } = (await asked(chat, '/people?receiver=henry')) as { people: object[] };
      expect(people.length).toBeGreaterThanOrEqual(PEOPLE);
    });

    expect(longestMs).toBeLessThan(BUSY_MACHINE_MS);
  });

  test('for history when 260 MB wait', async () => {
    const chat = await startChat();
    await say(chat, 'jjeong', 'henry', 'the first');
    appendMany(chat, 680_000);
    appendFileSync(mailboxFile(chat), '\n\ndata: the last\n\n');

    let newest: string | undefined;
    const longestMs = await waitFor(chat, async () => {
      await asked(chat, '/history?receiver=jjeong&sender=henry&before=~1-0'); // back to the beginning, in henry's mailbox
      const page = await history(chat, 'henry', 'jjeong', { limit: '50' });
      newest = page.messages.at(-1)?.message;
      await history(chat, 'henry', 'jjeong', { limit: '50', before: page.before! });
    });

    expect(newest).toBe('the last');
    expect(longestMs).toBeLessThan(BUSY_MACHINE_MS);
  }, 60_000);
});

/** Messages of 380 bytes from several people, as other programs append them. */
function appendMany(place: { readonly dir: string }, count: number, name = 'henry'): void {
  const time = new Date().toISOString();
  const event = (i: number): string => {
    const data = {
      sender: FRIENDS[i % PEOPLE],
      receiver: name,
      message: `${i} ${'x'.repeat(220)}`,
      time,
      key: `key of ${i}`,
    };
    return `\n\ndata: ${JSON.stringify(data)}\n\n`;
  };
  for (let from = 0; from < count; from += 1000) {
    const events = Array.from({ length: Math.min(1000, count - from) }, (_, i) => event(from + i));
    appendFileSync(mailboxFile(place, name), events.join(''));
  }
}

/** Receives all mail, and reports it as received. */
async function readAll(place: Place): Promise<void> {
  const { id } = await say(place, 'marker', 'henry', 'the end');
  const response = await fetch(`${place.url}/status?receiver=henry&since=all`);
  let tail = '';
  for await (const bytes of response.body!) {
    tail = tail.slice(-1000) + Buffer.from(bytes).toString('latin1');
    if (tail.includes('"the end"')) break;
  }
  await reportReceipt(place, { receiver: 'henry', delivered: id });
  await drained(place);
}

async function wayBack(chat: Chat): Promise<void> {
  let before: string | null | undefined;
  for (let page = 0; page < 5 && before !== null; page += 1) {
    ({ before } = await history(chat, 'henry', 'friend0', { limit: '2', ...(before ? { before } : {}) }));
  }
}
