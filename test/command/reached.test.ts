import { afterEach, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Shell, run as runLine } from '../docs/kit/shell.ts';
import { requires } from '../support/requires.ts';
import { serve as serveListener } from '../support/serve-chat.ts';
import { BIN, cleanUp, run, Running, serve, temporaryDirectory } from './running.ts';

afterEach(cleanUp);

interface Announced {
  readonly url: string;
  readonly invite: string;
}

/** Whether the key of a link opens henry's mailbox at the link's address. */
async function letsInHenry(link: string): Promise<boolean> {
  const { origin, hash } = new URL(link);
  const headers = { Authorization: `Bearer ${hash.replace('#key=', '')}` };
  return (await fetch(`${origin}/history?receiver=henry&sender=jjeong`, { headers })).ok;
}

async function announcedBy(server: Running): Promise<Announced> {
  return (await server.ready()) as unknown as Announced;
}

test('An invitation has the address of the running server', async () => {
  const cwd = temporaryDirectory();
  const { url } = await serve(['--access', 'links'], { cwd });

  const { stdout } = await run(['invite', 'henry'], { cwd });

  expect(stdout.startsWith(`${url}chat.html#key=`)).toBe(true);
  expect(await letsInHenry(stdout.trim())).toBe(true);
});

test('An invitation with --url has that address, whichever server runs', async () => {
  const cwd = temporaryDirectory();
  await serve([], { cwd });

  const { stdout } = await run(['invite', 'henry', '--url', 'https://chat.example'], { cwd });

  expect(stdout).toMatch(/^https:\/\/chat\.example\/chat\.html#key=/);
});

test('An invitation says which earlier link has ended', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'mailboxes'));

  const [first, second] = [await run(['invite', 'henry'], { cwd }), await run(['invite', 'henry'], { cwd })];

  expect(first.stderr).not.toContain('has ended');
  expect(second.stderr).toContain('The earlier link of henry has ended.');
});

test.each(['SIGTERM', 'SIGKILL'] as const)('After %s an invitation says that no server answers', async (signal) => {
  const cwd = temporaryDirectory();
  const server = await serve([], { cwd });
  server.child.kill(signal);
  await server.ended;

  const { code, stdout, stderr } = await run(['invite', 'henry'], { cwd });

  expect(code).toBe(0);
  expect(stdout).toMatch(/^http:\/\/localhost:2012\/chat\.html#key=/);
  expect(stderr).toContain('No server answers for ./mailboxes.');
  expect(existsSync(join(cwd, 'mailboxes/.access/server.json'))).toBe(signal === 'SIGKILL');
});

test('With --host, the line of JSON has the address for others, and a command that makes a link to it', async () => {
  const cwd = temporaryDirectory();
  const server = new Running(['--host', '--port', '0', '--dir', "henry's mail"], { cwd });
  const { url, invite } = await announcedBy(server);

  const link = await runLine(invite, { cwd });

  expect(url).not.toMatch(/\[::\]|0\.0\.0\.0/);
  expect(link.startsWith(url)).toBe(true);
  expect(await letsInHenry(link)).toBe(true);
});

test.each([
  ['bin/mailbox-chat', 'mailbox-chat invite henry'],
  ['node_modules/.bin/mailbox-chat', 'npx mailbox-chat invite henry'],
])('If the command is installed as %s, it says %s', async (path, expected) => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, dirname(path)), { recursive: true });
  symlinkSync(BIN, join(cwd, path));

  const server = new Shell(`exec ${path} --access links --port 0`, { cwd });
  const [line] = await server.printed(/^\{.*\}$/m);

  expect((JSON.parse(line) as Announced).invite).toBe(expected);
});

requires('script')('A second start shows the address and how to invite, and ends no link of the first', async () => {
  const cwd = temporaryDirectory();
  const start = (): Running =>
    new Running(['--host', '--port', '0'], { cwd, terminal: true, env: { NO_COLOR: '1', LOG_FORMAT: 'json' } });
  const first = start();
  const [, link = ''] = await first.printed('stdout', /henry: (http\S+)/);
  await first.printed('stdout', /Ctrl\+C to stop/);
  process.kill(-first.child.pid!, 'SIGTERM');
  await first.ended;

  const second = start();
  const [text, url = '', invite = ''] = await second.printed(
    'stdout',
    /(http:\S+)[^]*; a new one: (.*)\r\n[^]*Ctrl\+C to stop/,
  );

  expect(text).not.toContain('#key=');
  expect(await letsInHenry(new URL(new URL(link).hash, url).href)).toBe(true);
  expect((await runLine(invite, { cwd })).startsWith(url)).toBe(true);
});

test('--host says what to do if a chat for this computer only is already running', async () => {
  const cwd = temporaryDirectory();
  const { url, port } = await serve([], { cwd });

  const { code, stderr } = await run(['--host', '--port', String(port)], { cwd });

  expect(code).toBe(1);
  expect(stderr).toContain(`already serving ./mailboxes there, for this computer only → ${url}`);
  expect(stderr).toContain('stop it first');
});

describe('In the file with the server’s address,', () => {
  const fileIn = (cwd: string): string => join(cwd, 'mailboxes/.access/server.json');

  test.each<[string, (path: string, url: string) => void]>([
    ['a FIFO', (path) => execFileSync('mkfifo', [path])],
    ['a link', (path, url) => (writeFileSync(`${path}.2`, JSON.stringify({ url })), symlinkSync(`${path}.2`, path))],
    ['what is no address', (path) => writeFileSync(path, '{"url":"javascript:alert(1)"}')],
  ])('%s is not used', async (_what, make) => {
    const cwd = temporaryDirectory();
    const { url } = await serve([], { cwd });
    rmSync(fileIn(cwd));
    make(fileIn(cwd), url);

    const { code, stderr } = await run(['invite', 'henry'], { cwd });

    expect(code).toBe(0);
    expect(stderr).toContain('No server answers');
  });

  test('only the name and the port are used', async () => {
    const cwd = temporaryDirectory();
    const { url } = await serve([], { cwd });
    writeFileSync(fileIn(cwd), JSON.stringify({ url: `${url}\u001b[2J?#key=x` }));

    const { stdout } = await run(['invite', 'henry'], { cwd });

    expect(stdout).toMatch(/^http:\/\/localhost:\d+\/chat\.html#key=[\w-]+\n$/);
  });

  test('an address that only redirects is not used', async () => {
    const cwd = temporaryDirectory();
    const { url } = await serve([], { cwd });
    const { url: other } = await serveListener((_req, res) => res.writeHead(302, { location: `${url}healthz` }).end());
    writeFileSync(fileIn(cwd), JSON.stringify({ url: other }));

    const { stderr } = await run(['invite', 'henry'], { cwd });

    expect(stderr).toContain('No server answers');
  });

  test('a FIFO does not stop a server from starting, and is replaced', async () => {
    const cwd = temporaryDirectory();
    mkdirSync(dirname(fileIn(cwd)), { recursive: true });
    execFileSync('mkfifo', [fileIn(cwd)]);

    const { url } = await serve([], { cwd });
    const { stdout } = await run(['invite', 'henry'], { cwd });

    expect(stdout.startsWith(url)).toBe(true);
  });
});
