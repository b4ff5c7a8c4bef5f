import { afterEach, expect, test } from '@jest/globals';
import { appendFileSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { history } from '../support/requests.ts';
import { listing } from '../support/directory.ts';
import { layOut, oldDirectory } from '../support/old-directory.ts';
import { cleanUp, type Ready, run, serve, temporaryDirectory } from './running.ts';

afterEach(cleanUp);

function scene() {
  const cwd = temporaryDirectory();
  const dir = join(cwd, 'mailboxes');
  mkdirSync(dir);
  return { cwd, dir, layout: join(dir, '.layout') };
}

async function messagesOn(server: Ready): Promise<string[]> {
  const { messages } = await history({ url: server.url.slice(0, -1) }, 'henry', 'jjeong');
  return messages.map(({ message }) => message);
}

test('A directory records its layout, even if two servers create it at the same moment', async () => {
  const { cwd, layout } = scene();

  await Promise.all([serve([], { cwd }), serve([], { cwd })]);

  expect(readFileSync(layout, 'utf8')).toBe('2\n');
});

test('Takes over the mailboxes of the prototype with their mail', async () => {
  const { cwd, dir, layout } = scene();
  appendFileSync(join(dir, 'henry.txt'), 'data: from 2012\n\n');

  const server = await serve([], { cwd });

  expect(await messagesOn(server)).toEqual(['from 2012']);
  expect(readFileSync(layout, 'utf8')).toBe('2\n');
});

test.each(['as version 1 left it', 'from before there was a layout number'])(
  'A directory %s is taken over with its log',
  async (which) => {
    const { cwd, dir, layout } = scene();
    const old = oldDirectory('received');
    layOut(old, dir);
    if (which === 'from before there was a layout number') rmSync(layout);

    const server = await serve([], { cwd });

    expect(await messagesOn(server)).toHaveLength(old.read['henry']!.events.length);
    expect(readFileSync(layout, 'utf8')).toBe('2\n');
  },
);

test('Every command refuses a directory that a server of version 1 has open, and changes nothing in it', async () => {
  const { cwd, dir } = scene();
  layOut(oldDirectory('received'), dir);
  mkdirSync(join(dir, '.live'), { recursive: true });
  writeFileSync(join(dir, '.live', '77-abc.jsonl'), '');
  const before = listing(dir);

  const ended = await Promise.all(
    ['serve --port 0', 'send henry hi', 'tail henry', 'forget henry', 'backup ../copy'].map((line) =>
      run(line.split(' '), { cwd }),
    ),
  );

  for (const { code, stderr } of ended) {
    expect(code).toBe(78);
    expect(stderr).toContain('A server of version 1 used');
  }
  expect(listing(dir)).toEqual(before);
});

test.each([
  ['a newer layout', '3\n', 'has layout 3, but this is Mailbox Chat'],
  ['half a backup', 'unfinished\n', 'is a backup that was not finished'],
  ['anything else', 'hello\n', 'does not hold a layout number'],
])('Every command refuses a directory of %s, and changes nothing in it', async (_what, text, message) => {
  const { cwd, dir, layout } = scene();
  await run(['send', 'henry', 'one', '--as', 'jjeong'], { cwd });
  writeFileSync(layout, text);
  const before = listing(dir);

  const ended = await Promise.all(
    ['serve --port 0', 'send henry hi', 'tail henry', 'forget henry', 'invite henry', 'people', 'backup ../copy'].map(
      (line) => run(line.split(' '), { cwd }),
    ),
  );

  for (const { code, stderr } of ended) {
    expect(code).toBe(78);
    expect(stderr).toContain(message);
  }
  expect(listing(dir)).toEqual(before);
});

test('A directory that a server of version 1 still uses is left alone, and the reason is given', async () => {
  const { cwd, dir } = scene();
  mkdirSync(join(dir, '.live'));
  const file = join(dir, '.live', '4711-0a1b2c3d4e5f.jsonl');
  writeFileSync(file, '{"on":"henry"}\n');

  const { code, stderr } = await run(['serve', '--port', '0'], { cwd });
  const left = readFileSync(file, 'utf8');
  const longAgo = new Date(Date.now() - 20_000);
  utimesSync(file, longAgo, longAgo);
  await serve([], { cwd });

  expect(code).toBe(78);
  expect(stderr).toContain('✗ A server of version 1 used');
  expect(left).toBe('{"on":"henry"}\n');
});
