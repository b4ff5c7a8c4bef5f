import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { requires } from '../support/requires.ts';
import { serveChat } from '../support/serve-chat.ts';
import { block } from './kit/documents.ts';
import { Shell, run } from './kit/shell.ts';
import { makeDirectory, removeDirectory } from '../support/make-directory.ts';

const FREE_PORT = { PORT: '0' };
const NOT_CLONED = new Set(['node_modules', 'dist', 'mailboxes', '.git', 'coverage']);

let work: string;
let clone: string;
let app: string;

/** A clone with its packages installed, and an application that has this package. */
beforeAll(() => {
  work = makeDirectory();
  clone = join(work, 'clone');
  mkdirSync(clone);
  for (const name of readdirSync(PACKAGE_DIR)) {
    if (!NOT_CLONED.has(name)) cpSync(join(PACKAGE_DIR, name), join(clone, name), { recursive: true });
  }
  symlinkSync(join(PACKAGE_DIR, 'node_modules'), join(clone, 'node_modules'));

  app = join(work, 'app');
  mkdirSync(join(app, 'node_modules/.bin'), { recursive: true });
  writeFileSync(join(app, 'package.json'), JSON.stringify({ name: 'app', private: true, type: 'module' }));
  symlinkSync(clone, join(app, 'node_modules/mailbox-chat'));
  symlinkSync(join(PACKAGE_DIR, 'node_modules/express'), join(app, 'node_modules/express'));
  symlinkSync(join(clone, 'bin/mailbox-chat.cjs'), join(app, 'node_modules/.bin/mailbox-chat'));
});

afterAll(() => removeDirectory(work));

/** The commands of a line, without its comment. */
function commandsOf(line: string): string[] {
  return line.replace(/\s#.*/, '').trim().split(' && ');
}

describe("the README's commands", () => {
  const [startLine = '', testLine = ''] = block(
    'README.md',
    'npm ci && npm start        # run it           (Node 20.19 or newer)',
  ).code.split('\n');

  test('install from the lock file as it stands, without a warning', async () => {
    expect([commandsOf(startLine)[0], commandsOf(testLine)[0]]).toEqual(['npm ci', 'npm ci']);
    const said = await run(`npm ci --dry-run --offline 2>&1`, { cwd: clone });
    expect(said).not.toMatch(/^npm warn (?:EBADENGINE|install-scripts|deprecated)/m);
  });

  test('start it', async () => {
    const server = new Shell(commandsOf(startLine)[1]!, { cwd: clone, env: FREE_PORT });
    const [, url] = await server.printed(/"url":"([^"]+)"/);

    expect((await fetch(new URL('chat1.html', url))).status).toBe(200);
    expect((await fetch(new URL('chat2.html', url))).status).toBe(200);
  });

  test('run its tests', async () => {
    const ran = await new Shell(`${commandsOf(testLine)[1]!} -- test/store/event-id.test.ts`, { cwd: clone }).ended();

    expect(ran.stderr).toMatch(/Tests: +\d+ passed/);
    expect(ran.code).toBe(0);
  });

  requires('curl')('send and listen from a shell', async () => {
    const cwd = join(work, 'shell');
    const chat = await serveChat({ dir: join(cwd, 'mailboxes') });
    const { code } = block('README.md', String.raw`printf 'data: hi\n\n' >> mailboxes/henry.txt`);
    expect(code).toContain('http://localhost:2012/');
    const here = code.replaceAll('http://localhost:2012', chat.url);

    const shell = new Shell(here, { cwd });

    await shell.printed(/data: hi\n[^]*"message":"hello"/);
  });

  test('mount it in an Express app', async () => {
    const { code } = block('README.md', "import express from 'express';");
    expect(code).toContain('app.listen(3000,');
    const free = code.replace('app.listen(3000,', 'const server = app.listen(0,');
    writeFileSync(join(app, 'app.js'), `${free}\nserver.on('listening', () => console.log(server.address().port));`);

    const server = new Shell('node app.js', { cwd: app });
    const [port] = await server.printed(/^\d+$/m);

    const page = await fetch(`http://127.0.0.1:${port}/chat/chat1.html`);
    expect(await page.text()).toContain('<script');
    expect((await fetch(`http://127.0.0.1:${port}/chat/readyz`)).status).toBe(200);
  });

  test('let other computers in by links only, and invite', async () => {
    const [host = '', invite = ''] = block(
      'README.md',
      'npm start -- --host                             # with --host, people get in by invitation links only; the first ones are printed',
    ).code.split('\n');

    const server = new Shell(commandsOf(host)[0]!, { cwd: clone, env: FREE_PORT });
    const [, port] = await server.printed(/"port":(\d+)/);
    const invited = await run(commandsOf(invite)[0]!, { cwd: clone });
    const [, reached, key] = /:(\d+)\/chat\.html#key=(\S+)/.exec(invited)!;

    expect(reached).toBe(port);

    const history = `http://127.0.0.1:${port}/history?receiver=henry&sender=jjeong`;
    expect((await fetch(history)).status).toBe(401);
    expect((await fetch(history, { headers: { Authorization: `Bearer ${key}` } })).status).toBe(200);
  });
});
