import { describe, expect, test } from '@jest/globals';
import { testWithFaketime } from '../faults/kit/fault-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { say, wholeHistory, type At } from '../support/requests.ts';
import { startChat, type Chat } from './kit/chat-command.ts';
import { movableClock } from './kit/movable-clock.ts';
import { appendEvent, everything, numbered } from './kit/mail.ts';

/** Henry and jjeong answer each other, through one server after the other. Returns what they wrote, in order. */
async function talk(count: number, at: (turn: number) => At, from = 0): Promise<string[]> {
  const said: string[] = [];
  for (let turn = from; turn < from + count; turn += 1) {
    const [sender, receiver] = turn % 2 === 0 ? (['henry', 'jjeong'] as const) : (['jjeong', 'henry'] as const);
    const text = `${sender} ${turn}`;
    await say(at(turn), sender, receiver, text);
    said.push(text);
  }
  return said;
}

async function reloaded(chat: Chat): Promise<string[]> {
  return (await wholeHistory(chat, 'henry', 'jjeong', 7)).map(({ message }) => message);
}

describe('a reload shows a conversation in the order in which it was accepted', () => {
  testWithFaketime('if all of it is sent within one millisecond', async () => {
    const clock = movableClock();
    const chat = await startChat({ through: clock.via });
    clock.set('2031-05-06 07:08:09'); // the clock stands still

    const said = await talk(20, () => chat);

    expect(await reloaded(chat)).toEqual(said);
  });

  testWithFaketime('if the clock is set back by an hour meanwhile', async () => {
    const clock = movableClock();
    const chat = await startChat({ through: clock.via });
    const before = await talk(4, () => chat);
    clock.set('-1h');

    const after = await talk(6, () => chat, 4);

    expect(await reloaded(chat)).toEqual([...before, ...after]);
  });

  testWithFaketime('if the clock is set back by an hour during a restart', async () => {
    const clock = movableClock();
    const first = await startChat({ through: clock.via });
    // The last message is jjeong's: henry's next one, an hour earlier by the clock, goes to the other mailbox.
    const before = await talk(4, () => first);
    await first.end();
    clock.set('-1h');
    const chat = await startChat({ dir: first.dir, through: clock.via });

    const after = await talk(6, () => chat, 4);

    expect(await reloaded(chat)).toEqual([...before, ...after]);
  });

  testWithFaketime('if it goes through two processes whose clocks are 5 s apart', async () => {
    const clock = movableClock();
    clock.set('+5s');
    const dir = temporaryDirectory();
    const both = [await startChat({ dir }), await startChat({ dir, through: clock.via })];

    const said = await talk(10, (turn) => both[turn % 2]!);

    expect(await reloaded(both[0]!)).toEqual(said);
    expect(await reloaded(both[1]!)).toEqual(said);
  });
});

test('what another program appended before a message is shown before that message, under load', async () => {
  const chat = await startChat();
  const listener = await listen(`${chat.url}/status?receiver=henry`);
  const writers = numbered('writer', 12);
  const send = async (writer: string, i: number): Promise<void> => {
    appendEvent(chat, `${writer}: file ${i}`);
    await say(chat, 'jjeong', 'henry', `${writer}: post ${i}`);
  };

  await Promise.all(
    writers.map(async (writer) => {
      for (let i = 0; i < 40; i += 1) await send(writer, i);
    }),
  );
  await say(chat, 'jjeong', 'henry', 'the end');

  const texts = await listener.textsUpTo('the end');
  const pairs = Array.from({ length: 40 }, (_, i) => [`file ${i}`, `post ${i}`]).flat();
  for (const writer of writers) {
    const its = texts.filter((text) => text.startsWith(`${writer}: `));
    expect(its).toEqual(pairs.map((text) => `${writer}: ${text}`));
  }
});

test('two programs that append while messages come in are shown in one order, live and reloaded', async () => {
  const chat = await startChat();
  const listener = await listen(`${chat.url}/status?receiver=henry`);

  for (let i = 0; i < 60; i += 1) {
    const sending = [say(chat, 'jjeong', 'henry', `post ${i}`), say(chat, 'mina', 'henry', `mina ${i}`)];
    appendEvent(chat, `one ${i}`);
    appendEvent(chat, `two ${i}`);
    await Promise.all(sending);
  }
  await say(chat, 'jjeong', 'henry', 'the end');

  const live = await listener.textsUpTo('the end');
  expect(live).toHaveLength(241);
  expect(await everything(chat)).toEqual(live);
  const { messages } = await historyOf(chat);
  expect(messages).toEqual(live.filter((text) => !text.startsWith('mina')).slice(-messages.length));
});

async function historyOf(chat: Chat): Promise<{ messages: string[] }> {
  const whole = await wholeHistory(chat, 'henry', 'jjeong', 50);
  return { messages: whole.map(({ message }) => message) };
}
