import { afterEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { afterThisTest } from '../support/after-this-test.ts';
import { freePort } from '../support/proxies.ts';
import { until } from '../support/until.ts';
import { begin, BIN, cleanUp, type Ready, run, Running, serve, temporaryDirectory } from './running.ts';

let other: Server | undefined;

afterEach(async () => {
  other?.close();
  await cleanUp();
});

const inLinux = process.platform === 'linux' ? test : test.skip;
const withTerminal = existsSync('/usr/bin/script') && process.platform === 'linux' ? test : test.skip;
const withStrace = existsSync('/usr/bin/strace') ? test : test.skip;

function post(url: string, message: string): Promise<Response> {
  return fetch(`${url}messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sender: 'jjeong', receiver: 'henry', message }),
  });
}

async function textUntil(stream: Response, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const bytes of stream.body ?? []) {
    text += Buffer.from(bytes as Uint8Array).toString();
    if (pattern.test(text)) break;
  }
  return text;
}

test('Without a terminal, the server reports that it is ready in one line of JSON on stdout', async () => {
  const cwd = temporaryDirectory();
  const server = await serve(['--people', 'mina,kim'], { cwd });

  server.child.kill('SIGTERM');
  const { stdout, stderr } = await server.ended;

  expect(stderr).toBe('');
  expect(stdout.split('\n')).toHaveLength(2);
  expect(JSON.parse(stdout)).toEqual({
    name: 'mailbox-chat',
    version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
    readyMs: expect.any(Number),
    url: `http://localhost:${server.port}/`,
    host: '127.0.0.1',
    port: server.port,
    dir: './mailboxes',
    people: ['mina', 'kim'],
    pid: server.child.pid,
  });
});

test('A server that is ready serves pages and its health, and answers unknown paths with JSON', async () => {
  const { url } = await serve();

  const [page, health, nothing] = await Promise.all(
    ['chat1.html', 'healthz', 'nowhere'].map((path) => fetch(url + path)),
  );

  expect(page?.headers.get('content-type')).toContain('text/html');
  expect(await health?.json()).toMatchObject({ name: 'mailbox-chat' });
  expect(nothing?.status).toBe(404);
  expect(await nothing?.json()).toMatchObject({ error: 'NOT_FOUND' });
});

test('A message may be as long as --max-message, and no longer', async () => {
  const { url } = await serve(['--max-message', '5']);

  const statuses = [(await post(url, '12345')).status, (await post(url, '123456')).status];

  expect(statuses).toEqual([201, 413]);
});

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s says bye to the streams and ends with 0', async (signal) => {
  const server = await serve();
  const stream = await fetch(`${server.url}status?receiver=henry`);

  const signalledMs = performance.now();
  server.child.kill(signal);

  expect(await stream.text()).toMatch(/event: bye\ndata: .*"shutdown"/);
  expect((await server.ended).code).toBe(0);
  expect(performance.now() - signalledMs).toBeLessThan(2_000); // the server does not wait for an idle connection
});

test('A connection without a request does not delay the end', async () => {
  const server = await serve();
  const socket = begin(server, '').on('error', () => {});
  await once(socket, 'connect');
  await fetch(`${server.url}healthz`);

  const signalledMs = performance.now();
  server.child.kill('SIGTERM');

  expect((await server.ended).code).toBe(0);
  expect(performance.now() - signalledMs).toBeLessThan(2_000);
});

test('A second Ctrl+C ends the server at once', async () => {
  const server = await serve();
  const stream = await fetch(`${server.url}status?receiver=henry`);
  begin(
    server,
    'POST /messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n',
  ).on('error', () => {});

  server.child.kill('SIGINT');
  await textUntil(stream, /event: bye/);
  const signalledMs = performance.now();
  server.child.kill('SIGINT');

  expect((await server.ended).code).toBe(1);
  expect(performance.now() - signalledMs).toBeLessThan(1_000);
});

inLinux('A file size limit refuses the message and leaves the server alive', async () => {
  const { url } = await serve([], { through: ['sh', '-c', 'ulimit -f 2; exec "$@"', 'sh'] });

  const big = await post(url, 'x'.repeat(4_000));
  const health = await fetch(`${url}healthz`);

  expect(big.status).toBe(507);
  expect(health.status).toBe(200);
});

/** The server logs why a mailbox cannot be used. */
async function makeItLog({ url }: Ready, cwd: string): Promise<void> {
  mkdirSync(join(cwd, 'mailboxes', 'henry.txt'), { recursive: true });
  expect((await post(url, 'hi')).status).toBe(503);
}

test('A server keeps running when nobody reads its ready line', async () => {
  const cwd = temporaryDirectory();
  const port = await freePort();
  const browser = join(cwd, 'browser');
  writeFileSync(browser, '#!/bin/sh\ntouch opened\n', { mode: 0o755 });
  const through = ['sh', '-c', '"$@" | true; sleep 60', 'sh'];
  const server = new Running(['--port', String(port), '--open'], { cwd, through, env: { BROWSER: browser } });

  await until('all is said, and the browser opened', () => existsSync(join(cwd, 'opened')));

  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  expect(server.child.exitCode).toBeNull();
});

withTerminal.each(['json', 'pretty'])('A server goes on, logging %s, when its terminal has gone', async (format) => {
  const cwd = temporaryDirectory();
  const command = `setsid "${process.execPath}" "${BIN}" --port 0 --log-format ${format}`;
  const terminal = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd,
    env: { PATH: process.env['PATH'], NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(terminal.stdout, 'data')) as [Buffer];
  const server = JSON.parse(line.toString()) as Ready;
  afterThisTest(() => process.kill(server.pid, 'SIGKILL'));

  terminal.kill('SIGKILL');
  await once(terminal, 'exit');
  await makeItLog(server, cwd);
  await makeItLog(server, cwd);

  expect((await fetch(`${server.url}healthz`)).status).toBe(200);
});

withStrace('A sync that fails is logged and ends the server with 1', async () => {
  const through = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=fdatasync:error=EIO'];
  const server = await serve([], { through });

  const status = await post(server.url, 'hello').then(
    (answer) => answer.status,
    () => 'cut off',
  );
  const { code, stderr } = await server.ended;

  expect(status).not.toBe(201);
  expect(code).toBe(1);
  expect(stderr).toContain('the server exits');
  expect(stderr).not.toContain('hello');
});

test('With --open, the browser that BROWSER names gets the address', async () => {
  const dir = temporaryDirectory();
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const browser = join(dir, 'browser');
  const tell = `fetch(process.env.TELL + '?' + process.argv[1])`;
  writeFileSync(browser, `#!/bin/sh\nexec "${process.execPath}" -e "${tell}" "$1"\n`);
  chmodSync(browser, 0o755);
  const { port } = listener.address() as { port: number };

  const asked = once(listener, 'request');
  const { url } = await serve(['--open'], { env: { BROWSER: browser, TELL: `http://127.0.0.1:${port}/` } });
  const [req, res] = (await asked) as [{ url: string }, { end: () => void }];
  res.end();
  listener.close();

  expect(req.url).toBe(`/?${url}`);
});

test('A browser that cannot be opened is only a warning', async () => {
  const server = await serve(['--open'], { env: { BROWSER: '/nowhere' } });

  const [line] = await server.printed('stderr', /.*\n/);

  expect(line).toContain('no browser could be opened');
  expect((await fetch(`${server.url}healthz`)).status).toBe(200);
});

test('Without a terminal, it is an error if the default port is taken', async () => {
  await takeDefaultPort();

  const { code, stderr } = await run([]);

  expect(code).toBe(1);
  expect(stderr).toContain('Port 2012 is already in use');
});

withTerminal('A terminal gets the banner, and another port when the default one is taken', async () => {
  await takeDefaultPort();

  const server = new Running([], { terminal: true, env: { NO_COLOR: '1' } });
  const [, port] = await server.printed('stdout', /Port 2012 is in use by another program: using (\d+)\.\r\n/);
  await server.printed('stdout', new RegExp(`henry   http://localhost:${port}/chat1.html`));
  await server.printed('stdout', /Ctrl\+C to stop/);

  expect(Number(port)).toBeGreaterThan(2012);
});

withTerminal('In production a terminal gets the line of JSON', async () => {
  const server = new Running(['--port', '0'], { terminal: true, env: { NODE_ENV: 'production' } });

  const [line] = await server.printed('stdout', /^\{.*\}/);

  expect(JSON.parse(line)).toMatchObject({ name: 'mailbox-chat' });
});

/** If another program already has the port, that serves the purpose, too. */
async function takeDefaultPort(): Promise<void> {
  await new Promise<void>((resolve) => {
    other = createServer((_req, res) => res.end('not a chat'));
    other.on('error', () => resolve()).listen(2012, '127.0.0.1', resolve);
  });
}
