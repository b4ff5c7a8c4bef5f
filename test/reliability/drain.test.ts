import { describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { listen } from '../support/listener.ts';
import { say } from '../support/requests.ts';
import { startChat, type Chat } from './kit/chat-command.ts';
import { appendEvent, drained, mailboxFile } from './kit/mail.ts';

test('a message is appended to the mailbox file, whether its receiver listens or not', async () => {
  const chat = await startChat();
  await listen(`${chat.url}/status?receiver=mina`);

  for (const receiver of ['henry', 'mina']) {
    await say(chat, 'jjeong', receiver, `to ${receiver}`);

    expect(readFileSync(mailboxFile(chat, receiver), 'utf8')).toContain(`"message":"to ${receiver}"`);
  }
});

test('mail for somebody who is away stays in the mailbox file, even after a restart', async () => {
  const first = await startChat();
  await say(first, 'jjeong', 'henry', 'waits');
  await first.end();
  const chat = await startChat({ dir: first.dir });

  await say(chat, 'jjeong', 'henry', 'waits, too');

  const text = readFileSync(mailboxFile(chat), 'utf8');
  expect(text).toContain('"message":"waits"');
  expect(text).toContain('"message":"waits, too"');
});

describe('the mailbox file exists and is empty half a second after', () => {
  const writers: [string, (chat: Chat, text: string) => unknown][] = [
    ['a message', (chat, text) => say(chat, 'jjeong', 'henry', text)],
    ['mail of another program', (chat, text) => appendEvent(chat, text)],
  ];
  test.each(writers)('%s was shown', async (_, write) => {
    const chat = await startChat();
    const listener = await listen(`${chat.url}/status?receiver=henry`);
    const tookMs: number[] = [];

    for (let trial = 0; trial < 7; trial += 1) {
      await write(chat, `number ${trial}`);
      await listener.textsUpTo(`number ${trial}`);
      const shownMs = performance.now();
      await drained(chat);
      tookMs.push(performance.now() - shownMs);
    }

    tookMs.sort((a, b) => a - b);
    expect(tookMs[3]).toBeLessThan(500); // not all of them: a busy machine may be late once
    expect(existsSync(mailboxFile(chat)) && statSync(mailboxFile(chat)).size).toBe(0);
  });
});
