import type { RequestListener, ServerResponse } from 'node:http';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import compression from 'compression';
import express from 'express';
import { afterEach, describe, expect, test } from '@jest/globals';
import { cleanUp, run, serve, temporaryDirectory } from '../command/running.ts';
import { Invitations } from '../../src/access/invitations.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import { listing } from '../support/directory.ts';
import { freePort, startNginx } from '../support/proxies.ts';
import { requires } from '../support/requires.ts';
import { until } from '../support/until.ts';
import { serve as serveListener, serveChat } from '../support/serve-chat.ts';
import { doctor, kept } from './running.ts';

afterEach(cleanUp);

/** A server on the ./mailboxes of `cwd`. */
async function scene(...args: string[]) {
  const cwd = temporaryDirectory();
  const server = await serve(args, { cwd });
  return { cwd, dir: join(cwd, 'mailboxes'), url: server.url, port: server.port };
}

/** Whether the server still holds the lock of a mailbox: it keeps it for a moment after each use. */
function isLocked(dir: string): boolean {
  return listing(dir).some((line) => line.startsWith('.locks/'));
}

const withNginx = requires('nginx');

/** nginx in front of `chatPort`, with these settings. */
async function behindNginx(chatPort: number, settings: string): Promise<string> {
  const port = await freePort();
  const location = `location / { proxy_pass http://127.0.0.1:${chatPort}; ${settings} }`;
  await startNginx(port, `server { listen 127.0.0.1:${port}; ${location} }`);
  return `http://127.0.0.1:${port}/`;
}

test('Finds nothing wrong with a healthy server, and leaves nothing behind', async () => {
  const { cwd, dir, url } = await scene();
  await run(['send', 'henry', 'hi', '--as', 'jjeong'], { cwd });
  await until('the lock is let go', () => !isLocked(dir));
  const before = listing(dir).filter((line) => line.includes('henry'));

  const { code, ok, warnings, problems } = await doctor([url, '--idle', '1'], { cwd });

  expect({ code, warnings, problems }).toEqual({ code: 0, warnings: [], problems: [] });
  expect(ok.slice(3)).toEqual([
    expect.stringMatching(/^Mailbox Chat \S+ answers at http:\/\/localhost:\d+\/$/),
    'The server accepts mail',
    'Everybody who reaches this address gets in',
    expect.stringMatching(/^The stream begins after \d+ ms$/),
    'Pages at this address may send',
    expect.stringMatching(/^A typing notice, which is not stored, arrives after \d+ ms$/),
    'The stream stays open while it is quiet (1 s)',
  ]);
  await until('the lock is let go', () => !isLocked(dir));
  expect(kept(dir).filter((line) => line.includes('doctor'))).toEqual([]);
  expect(listing(dir).filter((line) => line.includes('henry'))).toEqual(before);
});

test('Needs a key if people need invitation links, and leaves no message behind', async () => {
  const { dir, url } = await scene('--access', 'links');
  const key = new Invitations(dir).invite(mailboxName('mina'));
  const elsewhere = { cwd: temporaryDirectory() };

  const without = await doctor([url, '--idle', '0'], elsewhere);
  const wrong = await doctor([url, '--idle', '0', '--key', 'nonsense'], elsewhere);
  const right = await doctor([url, '--idle', '0'], { ...elsewhere, env: { MAILBOX_KEY: key } });

  expect(without).toMatchObject({ code: 1, problems: [expect.stringContaining('mailbox-chat invite')] });
  expect(wrong).toMatchObject({ code: 1, problems: [expect.stringContaining('The server does not accept the key')] });
  expect(right.ok).toContain('People get in by invitation only');
  expect(right).toMatchObject({ code: 0, problems: [], warnings: [] });
  expect(right.ok).toContainEqual(expect.stringMatching(/^A typing notice, .* arrives after \d+ ms$/));
  expect(kept(dir).filter((line) => line.startsWith('.delivered/') || line.startsWith('.marks/'))).toEqual([]);
});

withNginx('nginx that buffers streams is named, with its setting', async () => {
  const { cwd, port } = await scene();
  const forced = await behindNginx(port, 'proxy_ignore_headers X-Accel-Buffering; proxy_buffering on;');
  const usual = await behindNginx(port, 'proxy_set_header Host $http_host;');

  const [held, well] = await Promise.all([forced, usual].map((url) => doctor([url, '--idle', '0'], { cwd })));

  expect(held!.code).toBe(1);
  expect(held!.problems).toContainEqual(
    expect.stringMatching(
      /^The stream is held back: .* nginx buffers it\. Turn off buffering\. nginx: proxy_buffering off/,
    ),
  );
  expect(well).toMatchObject({ code: 0, problems: [] });
  expect(well!.ok).toContainEqual(expect.stringMatching(/^Mailbox Chat .*, through nginx$/));
});

withNginx('nginx that cuts quiet streams, hides the name or has nothing behind it is named', async () => {
  const { cwd, port } = await scene();
  const cuts = await behindNginx(port, 'proxy_read_timeout 1s; proxy_set_header Host $http_host;');
  const nameless = await behindNginx(port, '');
  const another = await behindNginx(port, 'proxy_set_header Host chat.example;');
  const deserted = await behindNginx(await freePort(), '');

  const said = await Promise.all(
    [cuts, nameless, another, deserted].map((url) => doctor([url, '--idle', '3'], { cwd })),
  );

  expect(said.map(({ code }) => code)).toEqual([1, 1, 1, 1]);
  const problems = said.map((each) => each.problems[0]);
  expect(problems).toEqual([
    expect.stringMatching(/^The stream was cut after 1 s .* nginx: proxy_read_timeout 60s/),
    expect.stringMatching(
      /^The proxy does not tell the server the name 127\.0\.0\.1:\d+.* proxy_set_header Host \$http_host/,
    ),
    expect.stringMatching(/^The server refuses the name chat\.example.* --allowed-host chat\.example$/),
    expect.stringMatching(/^nginx answers 502 .* No server runs/),
  ]);
});

test('Reports compression in the host application', async () => {
  const chat = await serveChat();
  const app = express();
  app.use(compression({ filter: () => true }));
  app.use((_req, res, next) => {
    const writeHead = res.writeHead.bind(res);
    res.writeHead = ((status: number, headers: Record<string, string>) =>
      writeHead(status, { ...headers, 'Cache-Control': 'no-cache' })) as typeof res.writeHead;
    next();
  });
  app.use(chat.chat);
  const { url } = await serveListener(app);

  const { code, problems } = await doctor([url, '--idle', '0', '--dir', chat.dir]);

  expect(code).toBe(1);
  expect(problems).toEqual([
    expect.stringMatching(
      /^The stream is held back: it is compressed \((?:gzip|br)\)\. Exclude text\/event-stream from compression in the host application/,
    ),
  ]);
});

test('Reports that nothing answers, or that another program does', async () => {
  const { url: other } = await serveListener((_req, res) => res.end('hello'));
  const gone = `http://127.0.0.1:${await freePort()}/`;
  const { cwd, url } = await scene();

  const said = await Promise.all(
    [other, gone, `${url}chat/`].map((address) => doctor([address, '--idle', '0'], { cwd })),
  );

  expect(said.map(({ problems }) => problems[0])).toEqual([
    expect.stringContaining('is not Mailbox Chat'),
    expect.stringMatching(/^Nothing answers at .* \(ECONNREFUSED\)\. Start the server/),
    expect.stringContaining('If the chat is under a path, add it'),
  ]);
  expect(await run(['doctor', 'localhost:2012'])).toMatchObject({ code: 2 });
  expect(await run(['doctor', 'http://user:word@localhost:2012/'])).toMatchObject({ code: 2 });
});

test('Reports a chat with its own login, and mailboxes that are missing or not the server’s', async () => {
  const { url } = await serveChat({ identify: () => undefined });
  const { cwd, url: open } = await scene();

  const [login, gone, others] = await Promise.all([
    doctor([url, '--idle', '0']),
    doctor([open, '--idle', '0', '--dir', 'nowhere'], { cwd }),
    doctor([url, '--idle', '0'], { cwd }),
  ]);

  expect(login).toMatchObject({ code: 0, problems: [], warnings: [expect.stringContaining("application's login")] });
  expect(gone).toMatchObject({ code: 1, problems: [expect.stringContaining('no mailboxes at ./nowhere')] });
  expect(others.warnings[0]).toMatch(/serves other mailboxes than \.\/mailboxes/);
});

describe('A malicious server', () => {
  const health = (more: object = {}): string => JSON.stringify({ name: 'mailbox-chat', version: '1', ...more });
  const say = (res: ServerResponse, status: number, json: string): void => {
    res.writeHead(status, { 'Content-Type': 'application/json' }).end(json);
  };
  const sayForEver = (res: ServerResponse, type: string, text: string): void => {
    res.writeHead(200, { 'Content-Type': type });
    Readable.from(Array.from({ length: 4000 }, () => text)).pipe(res);
  };

  test('cannot control the terminal or suggest a command of its own', async () => {
    const { url } = await serveListener((req, res) => {
      if (req.url !== '/session') return say(res, 200, health({ version: '9\u001b[2J\nok       All is well' }));
      say(res, 403, '{"error":"FORBIDDEN","message":"called \\"a; rm -rf ~\\" \\u009b31m"}');
    });

    const { code, stdout, ok, problems } = await doctor([url, '--idle', '0']);

    expect(code).toBe(1);
    expect(stdout).not.toMatch(/(?!\n)\p{Cc}/u);
    expect(ok).not.toContainEqual(expect.stringMatching(/^All is well/));
    expect(problems[0]).toMatch(/--allowed-host 127\.0\.0\.1$/);
  });

  test.each<[string, RequestListener]>([
    ['HTML that it calls JSON', (_req, res) => say(res, 200, '<html>')],
    ['JSON without end', (_req, res) => sayForEver(res, 'application/json', 'x'.repeat(65_536))],
  ])('answers with %s: it is not Mailbox Chat', async (_what, listener) => {
    const { url } = await serveListener(listener);

    const { problems } = await doctor([url, '--idle', '0']);

    expect(problems).toEqual([expect.stringContaining('is not Mailbox Chat')]);
  });

  test('that sends an endless event is reported: the stream does not begin', async () => {
    const { url } = await serveListener((req, res) => {
      if (req.url === '/session') return say(res, 404, '{"error":"NOT_FOUND"}');
      if (req.url?.startsWith('/status')) return sayForEver(res, 'text/event-stream', `data: ${'x'.repeat(65_536)}`);
      say(res, 200, health());
    });

    const { code, problems } = await doctor([url, '--idle', '0']);

    expect(code).toBe(1);
    expect(problems).toEqual([expect.stringMatching(/^The stream does not begin: .*buffer/i)]);
  });
});
