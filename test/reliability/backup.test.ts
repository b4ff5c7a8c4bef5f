import { expect } from '@jest/globals';
import { join } from 'node:path';
import { Running, cleanUp } from '../command/running.ts';
import { testWithFaketime, testWithStrace } from '../faults/kit/fault-test.ts';
import { canInject } from '../faults/kit/strace.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { say } from '../support/requests.ts';
import { startChat, type Chat } from './kit/chat-command.ts';
import { appendEvent, doubles, everything, numbered } from './kit/mail.ts';
import { movableClock } from './kit/movable-clock.ts';

const MAILBOXES = ['henry', 'mina', 'sora'];
const BEFORE = numbered('before', 10);

/** Slows each file down by 60 ms: time for mail to move between the places that are copied. */
const SLOWLY = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'trace=fsync', '-e', 'inject=fsync:delay_enter=60000'];

/** Sends mail until the end to a receiver who is away and comes back, again and again. */
async function comeAndGo(chat: Chat, name: string, over: AbortSignal): Promise<void> {
  for (let round = 0; !over.aborted; round += 1) {
    for (const text of numbered(`round ${round}`, 3)) await say(chat, 'jjeong', name, text, text);
    appendEvent(chat, `program ${round}`, name);
    const listener = await listen(`${chat.url}/status?receiver=${name}`);
    await listener.textsUpTo(`program ${round}`);
    listener.close();
  }
}

const test = canInject() ? testWithFaketime : testWithStrace;
test('a backup that is made while mail moves, restored two days later, shows each message once', async () => {
  const first = await startChat();
  for (const name of MAILBOXES) for (const text of BEFORE) await say(first, 'jjeong', name, text, text);
  const copy = join(temporaryDirectory(), 'copy');
  const over = new AbortController();
  const moving = MAILBOXES.map((name) => comeAndGo(first, name, over.signal));

  afterThisTest(cleanUp);
  const { code } = await new Running(['backup', copy, '--dir', first.dir], { through: SLOWLY }).ended;
  over.abort();
  await Promise.all(moving);

  expect(code).toBe(0);
  const clock = movableClock();
  clock.set('+2d');
  const restored = await startChat({ dir: copy, through: clock.via });
  for (const name of MAILBOXES) {
    const texts = await everything(restored, name);
    expect([name, doubles(texts)]).toEqual([name, []]);
    expect([name, texts.slice(0, BEFORE.length)]).toEqual([name, BEFORE]);
  }
});
