import { chmodSync, chownSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect } from '@jest/globals';
import { requires } from '../support/requires.ts';
import { cleanUp, run, serve, temporaryDirectory } from './running.ts';

const SERVICE = 65_534;

afterEach(cleanUp);

/** The data directory of a service that runs as another user. */
function serviceDirectory(): string {
  const parent = temporaryDirectory();
  chmodSync(parent, 0o755);
  const dir = join(parent, 'mailboxes');
  mkdirSync(dir, { mode: 0o700 });
  chownSync(dir, SERVICE, SERVICE);
  return dir;
}

function foreignIn(dir: string): string[] {
  const all = readdirSync(dir, { recursive: true, withFileTypes: true }).map((entry) =>
    join(entry.parentPath, entry.name),
  );
  return all.filter((path) => lstatSync(path).uid !== SERVICE);
}

async function statusWith(url: string, key: string): Promise<number> {
  return (await fetch(`${url}people?receiver=henry`, { headers: { Authorization: `Bearer ${key}` } })).status;
}

const keyIn = (link: string): string => link.trim().split('#key=')[1]!;

requires('root')('Links that root makes in the directory of a service let people in', async () => {
  const dir = serviceDirectory();
  const { stdout: before } = await run(['invite', 'henry', '--dir', dir, '--url', 'http://localhost/']);
  const { url } = await serve(['--dir', dir, '--access', 'links'], { uid: SERVICE });

  const { stdout: after } = await run(['invite', 'henry', '--dir', dir]);

  expect(await statusWith(url, keyIn(before))).toBe(401);
  expect(await statusWith(url, keyIn(after))).toBe(200);
  expect((await run(['revoke', 'henry', '--dir', dir])).code).toBe(0);
  expect(await statusWith(url, keyIn(after))).toBe(401);
  expect(foreignIn(dir)).toEqual([]);
});

requires('root')('What root’s commands make in the directory of a service belongs to that service', async () => {
  const dir = serviceDirectory();
  const commands = [
    ['send', 'henry', 'hi', '--as', 'jjeong', '--dir', dir],
    ['send', '--new', 'kim', 'hi', '--as', 'jjeong', '--dir', dir],
    ['invite', 'mina', '--dir', dir, '--url', 'http://localhost/'],
    ['people', '--dir', dir],
    ['forget', 'kim', '--dir', dir],
    ['backup', join(dir, '../copy'), '--dir', dir],
  ];

  for (const command of commands) {
    expect([command, (await run(command)).code, foreignIn(dir)]).toEqual([command, 0, []]);
  }
  const byRoot = await serve(['--dir', dir]);
  expect((await fetch(byRoot.url)).status).toBe(200);
  process.kill(byRoot.pid, 'SIGTERM');
  await byRoot.ended;

  expect(foreignIn(dir)).toEqual([]);
  const { url } = await serve(['--dir', dir], { uid: SERVICE });
  expect((await fetch(`${url}readyz`)).status).toBe(200);
  expect(await (await fetch(`${url}history?receiver=henry&sender=jjeong`)).text()).toContain('"hi"');
});

requires('root')('Root, who sends from the directory of a service, is still called root', async () => {
  const dir = serviceDirectory();

  const { code, stdout, stderr } = await run(['send', 'henry', 'hi', '--dir', dir]);

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(JSON.parse(stdout)).toMatchObject({ sender: 'root', receiver: 'henry' });
});
