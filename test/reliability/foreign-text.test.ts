import { describe, expect, test } from '@jest/globals';
import { appendFileSync, closeSync, openSync, readFileSync, readdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { testWithFaketime } from '../faults/kit/fault-test.ts';
import { listen } from '../support/listener.ts';
import { say } from '../support/requests.ts';
import { startChat } from './kit/chat-command.ts';
import { letPass, movableClock } from './kit/movable-clock.ts';
import { appendEvent, drained, everything, mailboxFile } from './kit/mail.ts';

describe.each([
  ['in UTF-16 by a shell', Buffer.from('\ufeffdata: hi\r\n\r\n', 'utf16le')],
  ['in UTF-16, the large end first', Buffer.from('\ufeffdata: hi\r\n\r\n', 'utf16le').swap16()],
  ['in UTF-16 without a line feed', Buffer.from('\ufeffdata: hi', 'utf16le')],
  ['with NUL bytes', Buffer.from('data: a\0b\n\n\0\0\0\0')],
])('after text %s', (_, strange) => {
  test('the next valid event and the next message are shown', async () => {
    const chat = await startChat();
    const listener = await listen(`${chat.url}/status?receiver=henry`);

    for (const receiver of ['henry', 'mina']) appendFileSync(mailboxFile(chat, receiver), strange);
    appendEvent(chat, 'good');
    await say(chat, 'jjeong', 'mina', 'message');
    appendEvent(chat, 'good', 'mina');

    expect((await listener.textsUpTo('good')).at(-1)).toBe('good');
    expect((await everything(chat, 'mina')).slice(-2)).toEqual(['message', 'good']);
  });
});

test.each([
  ['a line', 'data: hi\r\n'],
  ['an event', 'data: hi\r\n\r\n'],
])('after %s in UTF-16, an event without line feeds before it is shown', async (_, text) => {
  const chat = await startChat();
  const listener = await listen(`${chat.url}/status?receiver=henry`);

  appendFileSync(mailboxFile(chat), Buffer.from(`\ufeff${text}`, 'utf16le'));
  appendFileSync(mailboxFile(chat), 'data: good\n\n');
  await say(chat, 'jjeong', 'henry', 'the end');

  expect((await listener.textsUpTo('the end')).slice(-2)).toEqual(['good', 'the end']);
});

/** 안녕 in EUC-KR. */
const EUC_KR = Buffer.from([0xbe, 0xc8, 0xb3, 0xe7]);

testWithFaketime('the bytes of text that is not UTF-8 are kept as they were written', async () => {
  const clock = movableClock();
  const chat = await startChat({ through: clock.viaWithTimers });
  const listener = await listen(`${chat.url}/status?receiver=henry`);

  appendFileSync(mailboxFile(chat), Buffer.concat([Buffer.from('\n\ndata: '), EUC_KR, Buffer.from('\n\n')]));
  appendEvent(chat, 'the end');
  expect(await listener.textsUpTo('the end')).toEqual([expect.stringContaining('\ufffd'), 'the end']);
  listener.close();
  await drained(chat);
  await letPass(clock, ['+1h', '+2h', '+3h'], chat); // pieces that nobody has open move to the log

  expect(await everything(chat)).toEqual([expect.stringContaining('\ufffd'), 'the end']);
  expect(filesWith(chat.dir, EUC_KR)).not.toEqual([]);
});

function filesWith(dir: string, bytes: Buffer): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).includes(bytes));
}

test('an event that another program writes in several pieces is shown whole, as are messages that come meanwhile', async () => {
  const chat = await startChat();
  const listener = await listen(`${chat.url}/status?receiver=henry`);

  for (let i = 0; i < 20; i += 1) {
    const fd = openSync(mailboxFile(chat), 'a');
    writeSync(fd, '\n\ndata: first');
    const sending = say(chat, 'jjeong', 'henry', `message ${i}`);
    writeSync(fd, ` half ${i}\nda`);
    writeSync(fd, `ta: second half ${i}\n\n`);
    closeSync(fd);
    await sending;
  }
  appendEvent(chat, 'the end');

  const texts = await listener.textsUpTo('the end');
  const wholes = Array.from({ length: 20 }, (_, i) => [`first half ${i}\nsecond half ${i}`, `message ${i}`]).flat();
  expect(texts.slice(0, -1).toSorted()).toEqual(wholes.toSorted());
});
