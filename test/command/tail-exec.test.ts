import { afterEach, expect, test } from '@jest/globals';
import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FileMailboxes, mailboxChat, mailboxName } from '../../src/index.ts';
import { cleanUp, run, Running, withMailboxes } from './running.ts';

afterEach(cleanUp);

interface Handed {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** A directory of mailboxes, and what commands have written to its file `out`. */
function scene() {
  const { cwd, mailboxes } = withMailboxes();
  const out = join(cwd, 'out');
  const written = (): string[] => (existsSync(out) ? readFileSync(out, 'utf8').trimEnd().split('\n') : []);
  return {
    cwd,
    mailboxes,
    written,
    messages: () => written().flatMap((line) => (line.startsWith('{') ? [messageIn(line)] : [])),
    send: async (text: string): Promise<string> => {
      const { stdout } = await run(['send', 'henry', text, '--as', 'jjeong'], { cwd });
      return (JSON.parse(stdout) as Handed).id;
    },
    tail: (command: string, ...args: string[]) => new Running(['tail', 'henry', '--exec', command, ...args], { cwd }),
    delivered: (): unknown => {
      const marks = JSON.parse(readFileSync(join(mailboxes, '.marks', 'henry.json'), 'utf8')) as object;
      return 'delivered' in marks ? marks.delivered : undefined;
    },
  };
}

function messageIn(line: string): string {
  const { data } = JSON.parse(line) as Handed;
  return (JSON.parse(data) as { message: string }).message;
}

async function interrupted(tail: Running): Promise<number | null> {
  tail.child.kill('SIGINT');
  return (await tail.ended).code;
}

test('Runs a command on each message, one at a time and in order, waiting mail first', async () => {
  const { send, tail, written, messages } = scene();
  for (const text of ['one', 'two', 'three']) await send(text);

  const tailing = tail('echo begin >> out; cat >> out; echo end >> out; echo done');
  await tailing.printed('stdout', /(done\n){3}/);
  await send('four');
  await tailing.printed('stdout', /(done\n){4}/);

  expect(await interrupted(tailing)).toBe(0);
  expect(messages()).toEqual(['one', 'two', 'three', 'four']);
  expect(written().map((line) => (line.startsWith('{') ? 'message' : line))).toEqual(
    Array.from({ length: 4 }, () => ['begin', 'message', 'end']).flat(),
  );
});

test('Passes over changes of messages, which a command that answers messages need not know', async () => {
  const { mailboxes, send, tail, delivered, messages } = scene();
  const of = await send('one');
  const reaction = JSON.stringify({ sender: 'jjeong', of, emoji: '👍' });
  appendFileSync(join(mailboxes, 'henry.txt'), `event: react\ndata: ${reaction}\n\n`);

  const tailing = tail('cat >> out; echo done');
  await tailing.printed('stdout', /done/);
  const two = await send('two');
  await tailing.printed('stdout', /(done\n){2}/);
  await interrupted(tailing);

  expect(messages()).toEqual(['one', 'two']);
  expect(delivered()).toBe(two);
});

test('Gives the command a message that was edited once, with its new text, and none that was removed', async () => {
  const { mailboxes, tail, written } = scene();
  const chat = mailboxChat({ dir: mailboxes });
  const said = [];
  for (const text of ['one', 'two', 'three']) said.push(await chat.send({ from: 'jjeong', to: 'henry', text }));
  await chat.close();
  const store = new FileMailboxes(mailboxes);
  const [sender, henry] = [mailboxName('jjeong'), mailboxName('henry')];
  const change = { sender, receiver: henry, message: '' };
  await store.append(henry, { ...change, type: 'edit', of: said[0]!.id, message: 'one, edited', key: 'k1' });
  await store.append(henry, { ...change, type: 'remove', of: said[1]!.id, key: 'k2' });
  await store.close();

  const tailing = tail('cat >> out; echo done');
  await tailing.printed('stdout', /(done\n){2}/);
  await interrupted(tailing);

  const { key, receiver, time } = said[0]!;
  const lines = written().map((line) => JSON.parse(line) as Handed);
  expect(lines.map(({ id, type }) => [id, type])).toEqual([
    [said[0]!.id, 'message'],
    [said[2]!.id, 'message'],
  ]);
  expect(JSON.parse(lines[0]!.data)).toEqual({ sender, receiver, message: 'one, edited', time, key });
});

test('Counts a message as received once the command has succeeded, and begins after it the next time', async () => {
  const { send, tail, delivered, messages } = scene();
  const id = await send('one');
  const first = tail('cat >> out; echo done');
  await first.printed('stdout', /done/);
  await interrupted(first);
  const mark = delivered();

  await send('two');
  const second = tail('cat >> out; echo done');
  await second.printed('stdout', /done/);
  await interrupted(second);

  expect(mark).toBe(id);
  expect(messages()).toEqual(['one', 'two']);
});

test('Ends with 1 when the command fails, and begins with the same message the next time', async () => {
  const { send, tail, delivered, messages } = scene();
  const first = await send('one');
  const second = await send('two');

  const { code, stderr } = await tail('grep -v two >> out || exit 7').ended;
  const mark = delivered();
  const again = tail('cat >> out; echo done');
  await again.printed('stdout', /done/);
  await interrupted(again);

  expect(code).toBe(1);
  expect(stderr).toContain(`✗ The command failed on the message ${second} of henry (exit status 7).`);
  expect(mark).toBe(first);
  expect(messages()).toEqual(['one', 'two']);
});

test('Accepts a command that does not read its input, and begins where --since says', async () => {
  const { send, tail } = scene();
  await send('x'.repeat(4000));
  await send('two');

  const first = tail('echo done');
  await first.printed('stdout', /(done\n){2}/);
  const again = tail('echo done', '--since', 'all');
  await again.printed('stdout', /(done\n){2}/);

  expect(await Promise.all([interrupted(first), interrupted(again)])).toEqual([0, 0]);
});

test('Refuses an empty command with 2', async () => {
  const { tail } = scene();

  expect(await tail(' ').ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--exec needs a command') });
});
