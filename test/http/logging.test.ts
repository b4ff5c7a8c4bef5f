import { symlinkSync } from 'node:fs';
import { Writable } from 'node:stream';
import { expect, test } from '@jest/globals';
import { pino } from 'pino';
import { listen } from '../support/listener.ts';
import { history, say } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';

/** A host application's own pino, at its default level, and the lines that it has written. */
function hostLogger(): { logger: pino.Logger; lines: () => Record<string, unknown>[] } {
  let text = '';
  const stream = new Writable({
    write(chunk, _encoding, done) {
      text += String(chunk);
      done();
    },
  });
  const lines = (): Record<string, unknown>[] =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  return { logger: pino(stream), lines };
}

test("A host application's pino is told what went wrong, and not what people say", async () => {
  const { logger, lines } = hostLogger();
  const chat = await serveChat({ logger });
  symlinkSync('/etc/hostname', chat.mailboxFile('henry'));

  await expect(say(chat, 'jjeong', 'henry', 'nightingale')).rejects.toThrow('503');

  expect(lines()).toContainEqual(expect.objectContaining({ level: 40, code: 'MAILBOX_UNUSABLE' }));
  expect(JSON.stringify(lines())).not.toContain('nightingale');
});

test('What goes well leaves no line in the log', async () => {
  const { logger, lines } = hostLogger();
  const chat = await serveChat({ logger });

  const page = await listen(`${chat.url}/status?receiver=henry`);
  await say(chat, 'jjeong', 'henry', 'hi');
  await page.textsUpTo('hi');
  await history(chat, 'henry', 'jjeong');
  page.close();
  await chat.stop();

  expect(lines()).toEqual([]);
});
