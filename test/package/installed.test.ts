import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, afterAll, describe, expect, test } from '@jest/globals';
import { Shell } from '../docs/kit/shell.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { requires } from '../support/requires.ts';
import { inTime } from '../support/until.ts';
import { makeDirectory, removeDirectory } from '../support/make-directory.ts';

const run = promisify(execFile);
const JEST = join(PACKAGE_DIR, 'node_modules/jest/bin/jest.js');
const INSTALL_WITHIN_MS = 180_000;

let work: string;
let app: string;
let tarball: string;
let packed: string[];

/** Packs a copy of this package as a fresh clone would, and installs it in an application. */
beforeAll(async () => {
  work = makeDirectory();
  app = join(work, 'app');
  const clone = join(work, 'clone');
  const notCloned = new Set(['node_modules', 'dist', 'mailboxes', '.git', 'test', 'coverage']);
  mkdirSync(clone);
  for (const name of readdirSync(PACKAGE_DIR)) {
    if (!notCloned.has(name)) cpSync(join(PACKAGE_DIR, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(PACKAGE_DIR, 'node_modules'), join(clone, 'node_modules'));

  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', work], { cwd: clone });
  const [{ filename, files }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [
    { filename: string; files: { path: string }[] },
  ];
  tarball = join(work, filename);
  packed = files.map(({ path }) => path);

  mkdirSync(app);
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  await run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', tarball], { cwd: app });
}, INSTALL_WITHIN_MS);

afterAll(() => removeDirectory(work));

describe('the package', () => {
  test('has the program, its types, its pages and its command, and neither sources nor tests', () => {
    const tops = new Set(packed.map((path) => path.split('/')[0]));

    expect([...tops].toSorted((a, b) => (a! < b! ? -1 : 1))).toEqual([
      'CHANGELOG.md',
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docs',
      'index.cjs',
      'index.d.cts',
      'package.json',
      'public',
    ]);
    for (const path of ['dist/index.js', 'dist/index.d.ts', 'public/chat1.html', 'bin/mailbox-chat.cjs']) {
      expect(packed).toContain(path);
    }
  });

  test('points to no source maps and sources that it lacks', () => {
    const dist = join(app, 'node_modules/mailbox-chat/dist');
    const scripts = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => /\.[jt]s$/.test(name));

    const pointing = scripts.filter((name) => readFileSync(join(dist, name), 'utf8').includes('sourceMappingURL'));

    expect(scripts).toContain('index.js');
    expect(pointing).toEqual([]);
  });

  test.each([
    ['publint', '--strict'],
    // Loaded with require() it works on every Node that we support; the checker knows only older ones.
    ['attw', '--profile', 'esm-only'],
  ])('passes %s', async (checker, ...options) => {
    const checking = run(join(PACKAGE_DIR, 'node_modules/.bin', checker), [tarball, ...options]);

    const { stdout } = await checking.catch((error: { stdout: string; stderr: string }) => {
      throw new Error(error.stdout + error.stderr);
    });

    expect(stdout).not.toMatch(/warning/i);
  });

  test('can be loaded with require()', async () => {
    const script = `process.stdout.write(typeof require('mailbox-chat').mailboxChat)`;

    const { stdout, stderr } = await run(process.execPath, ['--input-type=commonjs', '-e', script], { cwd: app });

    expect(stdout).toBe('function');
    expect(stderr).toBe('');
  });

  test("can be loaded with require() in an application's own jest", async () => {
    const tests = join(work, 'tests');
    mkdirSync(tests);
    symlinkSync(join(app, 'node_modules'), join(tests, 'node_modules'));
    writeFileSync(join(tests, 'package.json'), '{ "type": "commonjs", "jest": { "transform": {} } }');
    writeFileSync(
      join(tests, 'chat.test.js'),
      `const { MailboxError, mailboxChat } = require('mailbox-chat');
       test('sends and receives', async () => {
         const chat = mailboxChat({ dir: './mail' });
         await chat.send({ from: 'bot', to: 'henry', text: '안녕' });
         for await (const mail of chat.mail('henry')) {
           expect(mail).toMatchObject({ sender: 'bot', message: '안녕' });
           break;
         }
         await expect(chat.send({ from: 'bot', to: 'henry', text: '' })).rejects.toBeInstanceOf(MailboxError);
         await chat.close();
       });`,
    );

    const { NODE_OPTIONS: _, ...env } = process.env;
    const { stderr } = await run(process.execPath, [JEST], { cwd: tests, env });

    expect(stderr).toMatch(/Tests: +1 passed/);
  });

  test('has everything it imports among its dependencies', () => {
    const { dependencies } = JSON.parse(readFileSync(join(PACKAGE_DIR, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    const dist = join(app, 'node_modules/mailbox-chat/dist');
    const scripts = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'));

    const imported = scripts.flatMap((name) =>
      Array.from(
        readFileSync(join(dist, name), 'utf8').matchAll(/^import .*from '([^.'][^']*)';/gm),
        ([, from]) => from!,
      ),
    );

    const foreign = imported.filter((name) => !name.startsWith('node:')).map(packageOf);
    expect(foreign.length).toBeGreaterThan(0);
    for (const name of foreign) expect(Object.keys(dependencies)).toContain(name);
  });

  test('can be imported and mounted in a plain server', async () => {
    writeFileSync(
      join(app, 'server.js'),
      `import { createServer } from 'node:http';
       import { mailboxChat } from 'mailbox-chat';
       const chat = mailboxChat({ dir: './mail' });
       const server = createServer(chat).listen(0, '127.0.0.1', async () => {
         const url = 'http://127.0.0.1:' + server.address().port;
         const fields = { sender: 'jjeong', receiver: 'henry', message: '안녕' };
         const sent = await fetch(url + '/messages', { method: 'POST', body: new URLSearchParams(fields) });
         const page = await fetch(url + '/chat1.html');
         console.log(JSON.stringify([sent.status, page.status]));
         await chat.close();
         server.close();
         server.closeAllConnections();
       });`,
    );

    const { stdout } = await run(process.execPath, ['server.js'], { cwd: app });

    expect(JSON.parse(stdout)).toEqual([201, 200]);
    expect(readFileSync(join(app, 'mail/henry.txt'), 'utf8')).toContain('안녕');
  });

  test.each([
    { module: 'nodenext', moduleResolution: 'nodenext' },
    { module: 'es2022', moduleResolution: 'bundler' },
  ])('has types that compile with %j, its own declarations checked', async (options) => {
    const types = join(PACKAGE_DIR, 'node_modules/@types');
    writeFileSync(
      join(app, 'use.ts'),
      `import { createServer } from 'node:http';
       import { FileMailboxes, MailboxError, mailboxChat, mailboxName } from 'mailbox-chat';
       import type { Batch, MailboxChat, MailboxChatOptions, MailboxStore, Logger } from 'mailbox-chat';
       const store: MailboxStore = new FileMailboxes('./mail');
       const options: MailboxChatOptions = { store, people: ['henry', 'jjeong'], maxMessage: 100 };
       const chat: MailboxChat = mailboxChat(options);
       createServer(chat);
       export const batch: Promise<Batch> = store.read(mailboxName('henry'));
       export const closing: Promise<void> = chat.close();
       export const logger = (it: Logger): void => it.info({}, 'hello');
       export const code = (error: MailboxError): string => error.code;
       // @ts-expect-error a name must be checked first
       void store.read('henry');
       // @ts-expect-error no such option
       mailboxChat({ directory: './mail' });`,
    );
    const compilerOptions = {
      ...options,
      target: 'es2023',
      strict: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [types],
    };
    writeFileSync(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.ts'] }));

    const compiled = await run(join(PACKAGE_DIR, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.json'], { cwd: app }).catch(
      (error: { stdout: string }) => error,
    );

    expect(compiled.stdout).toBe('');
  });

  test('works without the packages of the store on NATS, and says what to install when it is asked for', async () => {
    const asking = run(join(app, 'node_modules/.bin/mailbox-chat'), ['--store', 'nats://127.0.0.1:1'], { cwd: app });

    await expect(asking).rejects.toMatchObject({
      code: 78,
      stderr: expect.stringContaining('npm install @nats-io/transport-node @nats-io/jetstream'),
    });
  });

  test('says what to install when a pretty log is asked for', async () => {
    const asking = run(join(app, 'node_modules/.bin/mailbox-chat'), ['--log-format', 'pretty'], { cwd: app });

    await expect(asking).rejects.toMatchObject({
      code: 78,
      stderr: expect.stringContaining('npm install pino-pretty'),
    });
  });

  requires('script')('logs in JSON in a terminal, too, where a pretty log would need another package', async () => {
    mkdirSync(join(app, 'unusable/henry.txt'), { recursive: true });
    const start = 'node_modules/.bin/mailbox-chat --port 0 --dir unusable';
    const terminal = new Shell(`script -qefc '${start}' /dev/null`, { cwd: app, env: { CI: '' } });
    const [, url = ''] = await terminal.printed(/(http:\S+)chat1\.html/);

    await fetch(new URL('history?receiver=henry&sender=jjeong', url));

    const [line] = await terminal.printed(/^\{.*could not be used.*\}/m);
    expect(JSON.parse(line)).toMatchObject({ level: 40, mailbox: join(app, 'unusable/henry.txt') });
  });

  test('has a command that starts, serves its pages and ends', async () => {
    const command = spawn(join(app, 'node_modules/.bin/mailbox-chat'), ['--port', '0', '--dir', 'mail'], { cwd: app });
    const exited = once(command, 'exit') as Promise<[number | null]>;
    afterThisTest(() => command.kill('SIGKILL'));
    const [line] = (await inTime('the first line', once(command.stdout.setEncoding('utf8'), 'data'))) as [string];
    const { url } = JSON.parse(line) as { url: string };

    const page = await fetch(new URL('chat1.html', url));
    command.kill('SIGTERM');

    expect(page.status).toBe(200);
    expect(await inTime('its end', exited)).toEqual([0, null]);
  });

  test('has a command that tells its version', async () => {
    const { version } = JSON.parse(readFileSync(join(PACKAGE_DIR, 'package.json'), 'utf8')) as { version: string };

    const { stdout } = await run(join(app, 'node_modules/.bin/mailbox-chat'), ['--version'], { cwd: app });

    expect(stdout).toContain(version);
  });
});

/** `a/b` is a part of the package `a`, `@a/b/c` of `@a/b`. */
function packageOf(name: string): string {
  return /^(?:@[^/]+\/)?[^/]+/.exec(name)![0];
}
