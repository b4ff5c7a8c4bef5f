import { describe, expect, test } from '@jest/globals';
import { setTimeout as pause } from 'node:timers/promises';
import { Listener, listen, textOf } from '../support/listener.ts';
import { history, reportReceipt, say } from '../support/requests.ts';
import { until } from '../support/until.ts';
import { command, startChat, type Chat } from './kit/chat-command.ts';
import { appendEvent, everything, numbered, post } from './kit/mail.ts';

/** Henry has received some mail, and his mark is at its end. */
async function received(chat: Chat): Promise<{ listener: Listener; cursor: string }> {
  const listener = await listen(`${chat.url}/status?receiver=henry`);
  for (const text of numbered('secret', 3)) await say(chat, 'jjeong', 'henry', text);
  await listener.textsUpTo('secret 2');
  const cursor = listener.heard.at(-1)!.id;
  await reportReceipt(chat, { receiver: 'henry', delivered: cursor });
  return { listener, cursor };
}

function texts(listener: Listener): string[] {
  return listener.heard.filter(({ type }) => type === 'message').map(textOf);
}

describe('mail of another program that comes after `forget` is shown', () => {
  test('on a stream that was open', async () => {
    const chat = await startChat();
    const { listener } = await received(chat);

    await command(chat.dir, 'forget', 'henry');
    appendEvent(chat, 'new');

    await until('the new mail on the open stream', () => texts(listener).includes('new'));
    expect(texts(listener)).toEqual([...numbered('secret', 3), 'new']);
  });

  test('to a client without a cursor, after marks have been written again', async () => {
    const chat = await startChat();
    const { listener, cursor } = await received(chat);

    await command(chat.dir, 'forget', 'henry');
    // An open page reports late: this receipt is for mail that is gone.
    await reportReceipt(chat, { receiver: 'henry', delivered: cursor }).catch(() => undefined);
    await pause(600); // the fault: marks are written late
    listener.close();
    appendEvent(chat, 'new');

    const fresh = new Listener(`${chat.url}/status?receiver=henry`);
    await until('the new mail without a cursor', () => texts(fresh).includes('new'));
    expect(texts(fresh)).toEqual(['new']);
  });

  test('to a client with an old cursor, after a restart', async () => {
    const first = await startChat();
    const { listener, cursor } = await received(first);
    listener.close();
    await command(first.dir, 'forget', 'henry');
    await first.end();
    const chat = await startChat({ dir: first.dir });

    appendEvent(chat, 'new');

    const back = new Listener(`${chat.url}/status?receiver=henry`, { lastEventId: cursor });
    await until('the new mail after the old cursor', () => texts(back).includes('new'));
    expect(texts(back)).toEqual(['new']);
  });
});

test('a mailbox that is forgotten while mail comes in stays empty, and later mail is kept', async () => {
  const chat = await startChat();
  const listener = await listen(`${chat.url}/status?receiver=henry`);
  const over = new AbortController();
  let sent = 0;
  const sending = ['jjeong', 'mina'].map(async (sender) => {
    while (!over.signal.aborted) await post(chat, { sender, receiver: 'henry', message: `message ${sent++}` });
  });
  await until('some mail to have come', () => texts(listener).length > 50);
  const before = texts(listener);

  await command(chat.dir, 'forget', 'henry');
  const forgottenAt = sent;
  await until('more mail to have been sent', () => sent > forgottenAt + 50);
  over.abort();
  await Promise.all(sending);
  await say(chat, 'jjeong', 'henry', 'the last');

  const kept = await everything(chat);
  expect(kept.filter((text) => before.includes(text))).toEqual([]);
  expect(kept.at(-1)).toBe('the last');
  await chat.end();
  const again = await startChat({ dir: chat.dir });
  expect(await everything(again)).toEqual(kept);
  const page = await history(again, 'henry', 'jjeong', { limit: '5' });
  expect(page.messages.at(-1)!.message).toBe('the last');
});
