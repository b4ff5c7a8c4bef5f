import { afterEach, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { listing } from '../support/directory.ts';
import { sha256Of, storeFile } from '../support/files.ts';
import { layOut, oldDirectory } from '../support/old-directory.ts';
import { history, say } from '../support/requests.ts';
import { cleanUp, type Ready, run, type Running, serve, temporaryDirectory } from './running.ts';

afterEach(cleanUp);

function scene() {
  const cwd = temporaryDirectory();
  return { cwd, dir: join(cwd, 'mailboxes'), copy: join(cwd, 'copy') };
}

const at = ({ url }: Ready): { url: string } => ({ url: url.slice(0, -1) });

async function stop(server: Running): Promise<void> {
  server.child.kill('SIGTERM');
  await server.ended;
}

/** Mail of every kind: waiting, delivered, and from another program. */
async function filled(cwd: string): Promise<Running & Ready> {
  const server = await serve([], { cwd });
  for (const text of ['one', 'two']) await say(at(server), 'jjeong', 'henry', text);
  await history(at(server), 'henry', 'jjeong');
  appendFileSync(join(cwd, 'mailboxes', 'henry.txt'), 'data: from a file\n\n');
  await say(at(server), 'henry', 'jjeong', 'three');
  for (const receiver of ['henry', 'mina']) await storeFile(at(server), 'jjeong', receiver, 'a file');
  return server;
}

/** All files with their modes, except those by which running servers find each other. */
function contents(dir: string): string[] {
  return listing(dir)
    .filter((line) => !/^\.(?:locks|owner)/.test(line))
    .map((line) => `${line} ${statSync(join(dir, line.split(' ')[0]!)).mode.toString(8)}`);
}

test('Copies everything of a stopped server, with modes and invitations', async () => {
  const { cwd, dir, copy } = scene();
  await stop(await filled(cwd));
  await run(['invite', 'henry'], { cwd });
  chmodSync(join(dir, 'henry.txt'), 0o664);
  chmodSync(dir, 0o2770);

  const { code, stdout } = await run(['backup', 'copy'], { cwd });

  expect(code).toBe(0);
  expect(contents(copy)).toEqual(contents(dir));
  expect(statSync(copy).mode & 0o7777).toBe(0o2770);
  expect(statSync(join(copy, '.files', sha256Of('a file'))).nlink).toBe(3); // with two claims
  expect(JSON.parse(stdout)).toMatchObject({ dir: './mailboxes', target: './copy', mailboxes: 2, leftOut: [] });
});

test('A server on a copy of a running server’s directory has its mail and lets in the same people', async () => {
  const { cwd } = scene();
  const first = await filled(cwd);
  const key = /#key=(\S+)/.exec((await run(['invite', 'henry'], { cwd })).stdout)![1]!;
  await run(['backup', 'copy'], { cwd });
  await stop(first);

  const second = await serve(['--dir', 'copy', '--access', 'links'], { cwd });
  const answer = await fetch(`${second.url}history?receiver=henry&sender=jjeong`, {
    headers: { Authorization: `Bearer ${key}` },
  });
  const { messages } = (await answer.json()) as { messages: { message: string }[] };

  expect(messages.map(({ message }) => message).toSorted()).toEqual(['from a file', 'one', 'three', 'two']);
});

test('Copies a directory of version 1 unchanged, and the copy can be read', async () => {
  const { cwd, dir } = scene();
  const old = oldDirectory('received');
  layOut(old, dir);

  await run(['backup', 'copy'], { cwd });

  expect(readFileSync(join(cwd, 'copy/.layout'), 'utf8')).toBe('1\n');
  const log = '.delivered/henry/0-0.log';
  expect(readFileSync(join(cwd, 'copy', log), 'utf8')).toBe(old.files[log]);
  const server = await serve(['--dir', 'copy'], { cwd });
  expect(await history(at(server), 'henry', 'jjeong')).toMatchObject({
    messages: { length: old.read['henry']!.events.length },
  });
});

test.each([
  ['a directory with something in it', 'full', 'exists and is not an empty directory'],
  ['a file', 'full/file', 'exists and is not an empty directory'],
  ['the mailboxes themselves', 'mailboxes', 'exists and is not an empty directory'],
  ['a place among them', 'mailboxes/copy', 'lies in'],
])('Refuses to copy to %s', async (_what, target, message) => {
  const { cwd } = scene();
  mkdirSync(join(cwd, 'mailboxes'));
  await run(['send', 'henry', 'hi', '--as', 'jjeong'], { cwd });
  mkdirSync(join(cwd, 'full'));
  writeFileSync(join(cwd, 'full', 'file'), 'mine');
  const before = listing(cwd);

  const { code, stderr } = await run(['backup', target], { cwd });

  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(listing(cwd)).toEqual(before);
});

test('Copies to an existing empty directory, and says what it left out', async () => {
  const { cwd, dir, copy } = scene();
  mkdirSync(dir);
  mkdirSync(copy);
  await run(['send', 'henry', 'hi', '--as', 'jjeong'], { cwd });
  writeFileSync(join(dir, 'notes'), 'of the owner');
  spawnSync('mkfifo', [join(dir, 'mina.txt')]);
  symlinkSync('/etc/passwd', join(dir, 'kim.txt'));
  mkdirSync(join(dir, 'photos'));

  const { code, stdout, stderr } = await run(['backup', 'copy'], { cwd });

  expect(code).toBe(0);
  const { leftOut } = JSON.parse(stdout) as { leftOut: string[] };
  expect(leftOut.toSorted()).toEqual(['kim.txt', 'mina.txt', 'photos']);
  expect(stderr).toContain('Left out, because it is not a regular file: ./mailboxes/mina.txt\n');
  expect(readdirSync(copy).toSorted()).toEqual([
    '.access',
    '.changes',
    '.delivered',
    '.files',
    '.layout',
    '.marks',
    '.taken',
    'henry.txt',
    'notes',
  ]);
});

test('The remains of an interrupted backup do not pass for a complete one', async () => {
  const { cwd, dir } = scene();
  mkdirSync(dir);
  for (const who of ['henry', 'mina', 'kim']) await run(['send', who, 'hi', '--as', 'jjeong', '--new'], { cwd });

  const inject = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=fsync:error=EIO:when=5'];
  const { code, stderr } = await run(['backup', 'copy'], { cwd, through: inject });
  const started = await run(['serve', '--dir', 'copy', '--port', '0'], { cwd });

  expect(code).toBe(1);
  expect(stderr).toContain('✗ The backup could not be finished: EIO');
  expect(started.code).toBe(78);
  expect(started.stderr).toContain('is a backup that was not finished');
});
