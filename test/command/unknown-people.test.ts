import { afterEach, expect, test } from '@jest/globals';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, run, withMailboxes } from './running.ts';

afterEach(cleanUp);

test('Refuses with 2 to send to somebody unknown, makes no mailbox and says what to do', async () => {
  const { cwd, mailboxes } = withMailboxes();

  const { code, stderr } = await run(['send', 'mina', 'hi', '--as', 'jjeong'], { cwd });

  expect(code).toBe(2);
  expect(stderr).toContain('mailbox-chat send --new mina');
  expect(readdirSync(mailboxes)).not.toContain('mina.txt');
});

test('With --new, somebody unknown gets a mailbox, and is known from then on', async () => {
  const { cwd, mailboxes } = withMailboxes();

  const sent = [
    await run(['send', '--new', 'mina', 'hi', '--as', 'jjeong'], { cwd }),
    await run(['send', 'mina', 'hi again', '--as', 'jjeong'], { cwd }),
  ];

  expect(sent.map(({ code }) => code)).toEqual([0, 0]);
  expect(existsSync(join(mailboxes, 'mina.txt'))).toBe(true);
});

test('Knows people who were invited or are among --people', async () => {
  const { cwd } = withMailboxes();
  await run(['invite', 'mina'], { cwd });

  const sent = [
    await run(['send', 'mina', 'hi', '--as', 'jjeong'], { cwd }),
    await run(['send', 'kim', 'hi', '--as', 'jjeong', '--people', 'kim,mina'], { cwd }),
    await run(['send', 'lee', 'hi', '--as', 'jjeong'], { cwd, env: { MAILBOX_PEOPLE: 'lee' } }),
  ];

  expect(sent.map(({ code }) => code)).toEqual([0, 0, 0]);
});

test('Refuses with 1 to forget somebody unknown, and changes nothing', async () => {
  const { cwd, mailboxes } = withMailboxes();
  await run(['send', 'henry', 'hi', '--as', 'jjeong'], { cwd });
  const before = readdirSync(mailboxes);

  const { code, stderr } = await run(['forget', 'mina'], { cwd });

  expect(code).toBe(1);
  expect(stderr).toContain('nothing to forget');
  expect(readdirSync(mailboxes)).toEqual(before);
});

test('Ends the invitation of somebody who was only invited', async () => {
  const { cwd } = withMailboxes();
  await run(['invite', 'mina'], { cwd });

  const { code } = await run(['forget', 'mina'], { cwd });

  expect(code).toBe(0);
  expect((await run(['people'], { cwd })).stdout).toBe('');
});
