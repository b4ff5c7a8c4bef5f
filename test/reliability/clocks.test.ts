import { describe, expect, test } from '@jest/globals';
import { appendFileSync } from 'node:fs';
import { testWithFaketime } from '../faults/kit/fault-test.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { until } from '../support/until.ts';
import { startChat } from './kit/chat-command.ts';
import { deliver, everything, mailboxFile, numbered } from './kit/mail.ts';
import { letPass, movableClock } from './kit/movable-clock.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const YEAR_2100 = '+27000d';

describe('received mail is removed when it is old', () => {
  const cases = [
    ['', []],
    [', also when a message came before it while the clock said 2100', [YEAR_2100]],
  ] as const;
  for (const [name, wrongTimes] of cases) {
    testWithFaketime(`after the days that it is kept${name}`, async () => {
      const clock = movableClock();
      const args = ['--keep-days', '1', '--max-message', '32000'];
      const first = await startChat({ through: clock.via, args });
      for (const wrong of wrongTimes) {
        clock.set(wrong);
        await deliver(first, ['in the wrong time']);
        clock.set('+0s');
      }
      await deliver(first, ['old', ...numbered('x'.repeat(30_000), 90)]); // old mail is removed in whole pieces
      await deliver(first, ['in between']);
      await first.end();
      const chat = await startChat({ dir: first.dir, through: clock.viaWithTimers, args });
      await deliver(chat, ['new']);

      await letPass(clock, ['+3d', '+73h', '+74h'], chat); // first, pieces that nobody has open move to the log

      await until('the old mail to go', async () => !(await everything(chat)).includes('old'), 8000);
    });
  }
});

testWithFaketime('no received mail is removed while the clock is 73 years ahead', async () => {
  const clock = movableClock();
  const args = ['--keep-days', '365'];
  const first = await startChat({ through: clock.via, args });
  await deliver(first, numbered('before', 3));
  await deliver(first, numbered('quiet', 3), 'mina');
  await first.end();

  clock.set('+26700d');
  const second = await startChat({ dir: first.dir, through: clock.via, args });
  await deliver(second, ['meanwhile']);
  await pause(1500); // the fault is a wrong clock, for this long
  await second.end();
  clock.set('+0s');
  const chat = await startChat({ dir: first.dir, through: clock.via, args });

  expect(await everything(chat)).toEqual([...numbered('before', 3), 'meanwhile']);
  expect(await everything(chat, 'mina')).toEqual(numbered('quiet', 3));
});

describe('a message that is sent again with its key is shown once', () => {
  const cases = [
    ['2 days ahead', '+2d'],
    ['2 days back', '-2d'],
  ] as const;
  for (const [where, offset] of cases) {
    testWithFaketime(`when the clock has moved ${where} and the receiver is away`, async () => {
      const clock = movableClock();
      const chat = await startChat({ through: clock.via });
      const first = await say(chat, 'jjeong', 'henry', 'once', 'a key');
      clock.set(offset);

      const again = await say(chat, 'jjeong', 'henry', 'once', 'a key');

      expect(again).toEqual(first);
      expect(await everything(chat)).toEqual(['once']);
    });

    testWithFaketime(`when the clock has moved ${where} and the receiver has come`, async () => {
      const clock = movableClock();
      const chat = await startChat({ through: clock.via });
      const first = await say(chat, 'jjeong', 'henry', 'once', 'a key');
      clock.set(offset);
      const listener = await listen(`${chat.url}/status?receiver=henry&since=all`);
      await listener.textsUpTo('once');

      const again = await say(chat, 'jjeong', 'henry', 'once', 'a key');

      expect(again).toEqual(first);
      await say(chat, 'jjeong', 'henry', 'the end');
      expect(await listener.textsUpTo('the end')).toEqual(['the end']);
    });
  }
});

test.each([
  ['with ten digits of sequence, almost a day ahead', (now: number) => `${now + DAY_MS - 3_600_000}-9999999999`],
  ['a century ahead', (now: number) => `${now + 36_500 * DAY_MS}-0`],
  ['of the highest number that there is', () => `${Number.MAX_SAFE_INTEGER}-${Number.MAX_SAFE_INTEGER}`],
  ['that does not rise', () => '1-0'],
])('a foreign id %s does not harm later mail', async (_, idAt) => {
  const first = await startChat();
  await say(first, 'jjeong', 'henry', 'before');
  const data = { sender: 'mina', receiver: 'henry', message: 'forged', time: new Date().toISOString(), key: 'forged' };
  appendFileSync(mailboxFile(first), `\n\nid: ${idAt(Date.now())}\ndata: ${JSON.stringify(data)}\n\n`);
  const texts = numbered('later', 20);
  const stored = [];
  for (const text of texts) stored.push(await say(first, 'jjeong', 'henry', text, text));
  const listener = await listen(`${first.url}/status?receiver=henry`);
  await listener.textsUpTo(texts.at(-1)!);
  await first.end();
  const chat = await startChat({ dir: first.dir });

  const again = [];
  for (const text of texts) again.push(await say(chat, 'jjeong', 'henry', text, text));
  const page = await history(chat, 'henry', 'jjeong', { limit: '5' });
  const older = await history(chat, 'henry', 'jjeong', { limit: '5', before: page.before! });
  const rest = await listen(`${chat.url}/status?receiver=henry`, { lastEventId: stored[9]!.id });

  expect(again).toEqual(stored);
  expect(await everything(chat)).toEqual(['before', 'forged', ...texts]);
  expect([...older.messages, ...page.messages].map(({ message }) => message)).toEqual(texts.slice(-10));
  expect(await rest.textsUpTo('later 19')).toEqual(texts.slice(10));
});

test.each([
  ['far ahead', '999999999999999-999999'],
  ['a day ahead', `${Date.now() + DAY_MS}-0`],
  ['of another log', '1500000000000-0'],
])('a foreign fence, %s, at the beginning of a mailbox does not harm mail', async (_, fence) => {
  const dir = temporaryDirectory();
  const data = JSON.stringify({ sender: 'mina', receiver: 'henry', message: 'forged', time: '', key: 'forged' });
  appendFileSync(mailboxFile({ dir }), `\n\n: after ${fence}\nid: ${fence}\ndata: ${data}\n\n`);
  const first = await startChat({ dir });
  for (const text of numbered('before', 3)) await say(first, 'jjeong', 'henry', text, text);
  await first.end('SIGKILL');
  const chat = await startChat({ dir });
  for (const text of numbered('after', 3)) await say(chat, 'jjeong', 'henry', text, text);

  const again = await say(chat, 'jjeong', 'henry', 'before 0', 'before 0');

  const texts = (await everything(chat)).filter((text) => text !== 'forged');
  expect(texts).toEqual([...numbered('before', 3), ...numbered('after', 3)]);
  expect(again.id).toMatch(/^\d{1,15}-\d{1,6}$/);
  const listener = await listen(`${chat.url}/status?receiver=henry`, { lastEventId: again.id });
  expect((await listener.textsUpTo('after 2')).filter((text) => text.startsWith('before'))).toEqual([
    'before 1',
    'before 2',
  ]);
});
