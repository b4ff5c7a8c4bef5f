import { cpSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from '@jest/globals';
import request from 'supertest';
import { Invitations } from '../../src/access/invitations.ts';
import { personName } from '../../src/words/mailbox-name.ts';
import { Shell, run } from '../docs/kit/shell.ts';
import { PACKAGE_DIR, buildPackage } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { commandsOf, copyOf, pathOf } from '../support/example-copies.ts';
import { listen, textOf } from '../support/listener.ts';
import { freePort, onPorts, startCaddy, startNginx } from '../support/proxies.ts';
import { history, say, type HistoryPage } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

beforeAll(buildPackage);

/** An example in a clone that has been built. */
function inClone(example: string): string {
  const clone = temporaryDirectory();
  for (const name of ['bin', 'dist', 'index.cjs', 'node_modules', 'public'])
    symlinkSync(join(PACKAGE_DIR, name), join(clone, name));
  cpSync(join(PACKAGE_DIR, 'package.json'), join(clone, 'package.json'));
  const dir = join(clone, 'examples', example);
  cpSync(join(PACKAGE_DIR, 'examples', example), dir, { recursive: true });
  return dir;
}

/** Follows a README on a free port, and resolves to the address that the example prints. */
async function started(readme: string, dir: string): Promise<{ readonly url: string; readonly server: Shell }> {
  const [install = '', ...commands] = commandsOf(readme);
  await run(install, { cwd: dir, env: { npm_config_prefer_offline: 'true', npm_config_audit: 'false' } });
  const server = new Shell(commands.join('\n'), { cwd: dir, env: { PORT: '0', PROCESSES: '2' } });
  const [url] = await server.printed(/http:\S+/);
  return { url: url.replace(/\/(?:chat1\.html)?$/, ''), server };
}

describe.each([
  ['examples/standalone/README.md', 'standalone', undefined],
  ['examples/cluster/README.md', 'cluster', undefined],
  ['examples/express-5/README.md', 'express-5', 'express'],
  ['examples/express-4/README.md', 'express-4', 'express4'],
] as const)('%s', (readme, example, module) => {
  test('installs in a clone, lets two people talk, and ends well', async () => {
    const { url, server } = await started(readme, inClone(example));
    const henry = await listen(`${url}/status?receiver=henry`);
    const jjeong = await listen(`${url}/status?receiver=jjeong`);

    await say({ url }, 'jjeong', 'henry', 'hi');
    await say({ url }, 'henry', 'jjeong', 'hello');

    expect(await henry.textsUpTo('hi')).toEqual(['hi']);
    expect(await jjeong.textsUpTo('hello')).toEqual(['hello']);
    expect((await fetch(`${url}/chat1.html`)).status).toBe(200);
    henry.close();
    jjeong.close();
    await server.end();
    expect(await server.ended()).toMatchObject({ code: 0, stderr: '' });
  });

  test('asks for the versions that it is tested with', () => {
    const { dependencies, devDependencies } = manifest('package.json');
    const express = module && { ...dependencies, ...devDependencies }[module];

    const needed = manifest(`examples/${example}/package.json`).dependencies;

    expect(needed['mailbox-chat']).toBe('file:../..'); // not from npm, where the name may be somebody else's
    expect(needed['express']).toBe(express?.replace('npm:express@', ''));
  });
});

test('examples/cluster goes on when any of its processes is killed, even the owner of the directory', async () => {
  const { url, server } = await started('examples/cluster/README.md', inClone('cluster'));
  await server.printed(/(http:\S+\s+){2}/); // with port 0, another process would get another port
  const henry = await listen(`${url}/status?receiver=henry`);
  const ownerNow = async (): Promise<number> => {
    const look = await fetch(`${url}/inspect?mailbox=henry`);
    return ((await look.json()) as { pid: number }).pid;
  };
  const owner = await ownerNow();

  process.kill(owner, 'SIGKILL');
  await until('another owner', async () => (await ownerNow().catch(() => owner)) !== owner);
  await say({ url }, 'jjeong', 'henry', 'still here');

  await until('the message', () => henry.heard.some(({ data }) => data.includes('still here')));
});

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

function manifest(path: string): Manifest {
  return JSON.parse(readFileSync(join(PACKAGE_DIR, path), 'utf8')) as Manifest;
}

describe('examples/curl/README.md', () => {
  test('sends, and listens, each with a key where it takes one', async () => {
    const chat = await serveChat({ access: 'links' });
    const invitations = new Invitations(chat.dir);
    const keyOf = (who: string): string => invitations.invite(personName(who));
    const [send = '', listenAll = ''] = commandsOf('examples/curl/README.md');
    const cwd = copyOf('curl');

    const sent: unknown = JSON.parse(await run(send, { cwd, env: { CHAT: chat.url, KEY: keyOf('jjeong') } }));
    const listening = new Shell(listenAll, { cwd, env: { CHAT: chat.url, KEY: keyOf('henry') } });

    expect(sent).toMatchObject({ state: 'sent', message: 'hello from a shell' });
    const [line] = await listening.printed(/^.*hello from a shell.*$/m);
    expect(textOf(JSON.parse(line) as { type: string; data: string })).toBe('hello from a shell');
  });

  test('prints its usage when it is called wrongly', async () => {
    const { code, stderr } = await new Shell('./chat.sh', { cwd: copyOf('curl') }).ended();

    expect(code).toBe(2);
    expect(stderr).toContain('chat.sh send <sender> <receiver> <text>');
  });
});

describe('examples/bot/README.md', () => {
  test('answers each message once, even if it is ended at a bad moment', async () => {
    const chat = await serveChat();
    const [command = ''] = commandsOf('examples/bot/README.md');
    const dir = copyOf('bot');
    const startBot = (): Shell => new Shell(command, { cwd: dir, env: { CHAT: chat.url } });
    const henry = await listen(`${chat.url}/status?receiver=henry`);

    await say(chat, 'henry', 'bot', 'hi');
    const bot = startBot();
    expect(await henry.textsUpTo('You wrote 2 characters.')).toHaveLength(1);
    const before = await until('the cursor', () => (existsSync(join(dir, 'cursor.txt')) ? cursorIn(dir) : undefined));
    await say(chat, 'henry', 'bot', 'again');
    await henry.textsUpTo('You wrote 5 characters.');
    await bot.end();
    // As if it had ended between its answer and recording it.
    writeFileSync(join(dir, 'cursor.txt'), before);
    chat.writeForeign('bot', 'data: {"sender" from a file that is no JSON\n\n');
    await say(chat, 'henry', 'bot', 'missed you');
    startBot();

    expect(await henry.textsUpTo('You wrote 10 characters.')).toEqual(['You wrote 10 characters.']);
  });

  test('gets in with an invitation link of its own', async () => {
    const chat = await serveChat({ access: 'links' });
    const invitations = new Invitations(chat.dir);
    const [command = ''] = commandsOf('examples/bot/README.md');
    const asHenry = { Authorization: `Bearer ${invitations.invite(personName('henry'))}` };
    const sent = await fetch(`${chat.url}/messages`, {
      method: 'POST',
      headers: asHenry,
      body: new URLSearchParams({ sender: 'henry', receiver: 'bot', message: 'hi' }),
    });

    const key = invitations.invite(personName('bot'));
    const bot = new Shell(command, { cwd: copyOf('bot'), env: { CHAT: chat.url, KEY: key } });

    expect(sent.status).toBe(201);
    await until('the answer', async () => {
      const { messages } = await asked(`${chat.url}/history?receiver=henry&sender=bot`, asHenry);
      return messages.some(({ message }) => message === 'You wrote 2 characters.');
    });
    await bot.end();
  });
});

async function asked(url: string, headers: Readonly<Record<string, string>>): Promise<HistoryPage> {
  return (await (await fetch(url, { headers })).json()) as HistoryPage;
}

function cursorIn(dir: string): string {
  return readFileSync(join(dir, 'cursor.txt'), 'utf8');
}

describe('examples/php-page/README.md', () => {
  requires('php')('writes what henry gets from jjeong, and hears it', async () => {
    const [chatCommand = '', phpCommand = '', listenCommand = ''] = commandsOf('examples/php-page/README.md');
    const dir = copyOf('php-page');
    const server = new Shell(chatCommand, { cwd: dir, env: { PORT: '0', PATH: pathOf(dir) } });
    const [, url = ''] = await server.printed(/"url":"([^"]+)\/"/);
    const port = await freePort();
    const php = new Shell(phpCommand.replace('8000', String(port)), { cwd: dir });
    const page = `http://localhost:${port}/`;
    await until('PHP', () => fetch(page).catch(() => undefined));
    const listening = new Shell(listenCommand, { cwd: dir, env: { CHAT: url } });
    await until('listen.php', async () =>
      (await (await fetch(`${url}/people?receiver=jjeong`)).text()).includes('"online":true'),
    );
    const henry = await listen(`${url}/status?receiver=henry`);

    const texts = ['안녕 "henry"', 'two\nlines', 'data: no field'];
    for (const message of texts) await fetch(page, { method: 'POST', body: new URLSearchParams({ message }) });

    expect(await henry.textsUpTo(texts.at(-1)!)).toEqual(texts);
    const conversation = await history({ url }, 'henry', 'jjeong');
    expect(conversation.messages.map(({ sender, message }) => [sender, message])).toEqual(
      texts.map((text) => ['jjeong', text]),
    );
    expect((await history({ url }, 'henry', 'mina')).messages).toEqual([]);
    await listening.printed(/"message":"data: no field"/);
    await php.end();
  });
});

describe.each([
  ['examples/behind-nginx/README.md', 'behind-nginx', 'nginx.conf', 'nginx', startNginx, '/'],
  ['examples/behind-caddy/README.md', 'behind-caddy', 'Caddyfile', 'caddy', startCaddy, '/chat/'],
] as const)('%s', (readme, example, file, program, startProxy, cookiePath) => {
  requires(program)('lets in people with the link that it prints', async () => {
    const [serveCommand = '', inviteCommand = ''] = commandsOf(readme);
    const dir = copyOf(example);
    const env = { PATH: pathOf(dir) };
    const server = new Shell(serveCommand, { cwd: dir, env: { ...env, PORT: '0' } });
    const [, chatPort = ''] = await server.printed(/"port":(\d+)/);
    const port = await freePort();
    const settings = readFileSync(join(dir, file), 'utf8');
    const proxy = await startProxy(port, onPorts(settings, { port, chatPort: Number(chatPort) }));

    const link = new URL((await run(inviteCommand, { cwd: dir, env })).trim());
    // The only headers by which a browser says where it comes from on plain http.
    const page = { Host: link.host, Origin: link.origin };
    const post = (path: string, fields: object, cookie = ''): request.Test =>
      request(proxy.url).post(new URL(path, link).pathname).set(page).set('Cookie', cookie).type('form').send(fields);
    const message = { sender: 'henry', receiver: 'jjeong', message: 'hi' };
    const session = await post('session', { key: link.hash.replace('#key=', '') });
    const [cookie, ...attributes] = session.get('Set-Cookie')?.[0]?.split('; ') ?? [];

    expect(session.body).toEqual({ person: 'henry' });
    expect(attributes).toContain(`Path=${cookiePath}`);
    expect((await post('messages', message, cookie)).status).toBe(201);
    expect((await post('messages', message)).status).toBe(401);
    expect((await request(proxy.url).get(link.pathname).set(page)).status).toBe(200);
  });
});
