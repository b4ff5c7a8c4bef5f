import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from '@jest/globals';
import { run, serve as serveCommand, cleanUp } from '../command/running.ts';
import { buildPackage } from '../support/built-package.ts';
import { listing, temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { history } from '../support/requests.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';
import { bearer, enter } from './kit/links.ts';
import { NO_TEXTS, REFUSED_NAMES, SPELLINGS, STRANGE_NAMES } from './kit/names.ts';
import { ENDPOINTS, HENRYS, ask } from './kit/requests-of-all-kinds.ts';

afterAll(cleanUp);

const BREAKS = [
  '\n',
  '\r',
  '\r\n',
  '\n\n',
  '\r\r',
  '\u2028',
  '\u2029',
  '\u0085',
  '\0',
  '\v',
  '\f',
  '\u001b[2J',
  '\ufeff',
];
const FORGED = 'id: 9999999999999-0\ndata: forged\nevent: bye\nretry: 0\n\n';

describe.each(BREAKS.map((text) => ({ shown: JSON.stringify(text), text })))('$shown', ({ text }) => {
  test('in a message is one event with the text intact, in every form of sending and listening', async () => {
    const chat = await serveChat();
    const message = `a${text}${FORGED}${text}z`;
    const page = await listen(`${chat.url}/status?receiver=henry`);
    const names = { sender: 'jjeong', receiver: 'henry' };

    const answers = [
      await ask(chat.url, { method: 'POST', path: '/messages' }, { ...names, message }),
      await ask(chat.url, { method: 'GET', path: '/messages' }, { ...names, message }),
      await fetch(`${chat.url}/messages`, { method: 'POST', body: new URLSearchParams({ ...names, message }) }),
      await fetch(`${chat.url}/messages?${new URLSearchParams(names).toString()}`, {
        method: 'POST',
        headers: { 'Content-Type': 'text/plain' },
        body: message,
      }),
    ];
    await ask(chat.url, { method: 'POST', path: '/messages' }, { ...names, message: 'marker' });

    expect(answers.map(({ status }) => status)).toEqual([201, 200, 201, 201]);
    expect(await page.textsUpTo('marker')).toEqual([message, message, message, message, 'marker']);
    const { messages } = await history(chat, 'henry', 'jjeong');
    expect(messages.map((one) => one.message)).toEqual([message, message, message, message, 'marker']);
    const lines = await fetch(`${chat.url}/status?receiver=henry&since=all`, {
      headers: { Accept: 'application/json' },
    });
    expect(((await lines.json()) as { events: unknown[] }).events).toHaveLength(5);
  });

  test.each(ENDPOINTS)('in a name or another field of $method $path writes nothing', async ({ rest, ...endpoint }) => {
    const chat = await serveChat();
    chat.writeForeign('henry', ''); // opening a stream may make the mailbox
    const before = listing(chat.dir);
    const good = { ...rest, ...HENRYS[endpoint.path] };
    const others = ['key', 'lastEventId', 'since', 'before', 'limit', 'read', 'delivered', 'person', 'with'];
    const taken = [...endpoint.names, ...others.filter((name) => name in good || endpoint.method === 'GET')];

    for (const field of taken) {
      const { status, text: answer } = await ask(chat.url, endpoint, { ...good, [field]: `henry${text}${FORGED}` });

      // Endpoints ignore unknown fields.
      if (endpoint.names.includes(field)) expect({ field, status }).toEqual({ field, status: 400 });
      expect(status).toBeLessThan(500);
      expect(answer).not.toMatch(/^data: forged/m);
    }
    await chat.stop();

    if (!endpoint.path.startsWith('/messages')) expect(listing(chat.dir)).toEqual(before);
  });
});

describe('names', () => {
  test.each(ENDPOINTS)(
    'that are invalid are refused by $method $path, which writes nothing anywhere',
    async ({ rest, ...endpoint }) => {
      const parent = temporaryDirectory();
      const dir = join(parent, 'mailboxes');
      mkdirSync(dir);
      writeFileSync(join(parent, 'henry.txt'), 'not a mailbox');
      const chat = await serveChat({ dir });
      const before = listing(parent);
      const good = { ...rest, ...HENRYS[endpoint.path] };
      const noTexts = endpoint.method === 'POST' ? NO_TEXTS : [];

      const answers = [];
      for (const field of endpoint.names) {
        for (const name of [...REFUSED_NAMES, ...noTexts]) {
          const { status } = await ask(chat.url, endpoint, { ...good, [field]: name });
          answers.push({ field, name, status });
        }
      }
      await chat.stop();

      expect(answers.filter(({ status }) => ![400, 413, 431].includes(status))).toEqual([]);
      expect(listing(parent)).toEqual(before);
    },
  );

  test('have one mailbox, however they are spelled', async () => {
    const chat = await serveChat();
    for (const [one, other] of SPELLINGS) {
      await ask(chat.url, ENDPOINTS[0]!, { sender: 'jjeong', receiver: one, message: `to ${one}` });
      await ask(chat.url, ENDPOINTS[0]!, { sender: 'jjeong', receiver: other, message: `to ${other}` });

      const { messages } = await history(chat, other, 'jjeong');
      expect(messages.map(({ message }) => message)).toEqual([`to ${one}`, `to ${other}`]);
    }

    expect(readdirSync(chat.dir).filter((name) => name.endsWith('.txt'))).toHaveLength(SPELLINGS.length);
  });

  test.each(STRANGE_NAMES)('such as %s are like any other', async (name) => {
    const chat = await serveChat();
    const page = await listen(`${chat.url}/status?receiver=${encodeURIComponent(name)}`);

    const { status, text } = await ask(chat.url, ENDPOINTS[0]!, { sender: name, receiver: name, message: 'hi' });
    const { id } = JSON.parse(text) as { id: string };
    const receipt = { receiver: name, sender: name, read: id };
    const read = await ask(chat.url, { method: 'POST', path: '/receipts' }, receipt);

    expect([status, read.status]).toEqual([201, 204]);
    expect(await page.textsUpTo('hi')).toEqual(['hi']);
    expect((await history(chat, name, name)).messages.map(({ message, state }) => [message, state])).toEqual([
      ['hi', 'read'],
    ]);
    expect((await ask(chat.url, { method: 'GET', path: '/people' }, { receiver: name })).status).toBe(200);
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)['delivered']).toBeUndefined();
  });
});

describe('the log', () => {
  test('of the command has one line of JSON per entry, without text, keys or cookies, whatever fails', async () => {
    buildPackage();
    const dir = temporaryDirectory();
    const server = await serveCommand([
      '--dir',
      dir,
      '--access',
      'links',
      '--log-level',
      'debug',
      '--log-format',
      'json',
    ]);
    const { stdout } = await run(['invite', 'henry', '--dir', dir]);
    const key = /#key=(\S+)/.exec(stdout)![1]!;
    const { cookie } = await enter({ url: server.url.replace(/\/$/, '') }, key);
    const url = server.url.replace(/\/$/, '');
    const secret = 'a secret text\n{"level":60,"msg":"forged"}\u001b[31m';
    const send = (receiver: string) =>
      ask(url, ENDPOINTS[0]!, { sender: 'henry', receiver, message: secret }, { Cookie: cookie });

    mkdirSync(join(dir, 'mina.txt')); // no mailbox can be made in its place
    mkdirSync(join(dir, '.delivered', 'jjeong'), { recursive: true });
    mkdirSync(join(dir, '.delivered', 'jjeong', '0-0.log'));
    writeFileSync(
      join(dir, 'henry.txt'),
      'id: 1-0\ndata: {"sender":"x","message":"a secret text\n\ndata: \u001b[31mforged\n{"level":60}',
    );
    const answers = [await send('mina'), await send('jjeong'), await send('he\nnry')];
    answers.push(await ask(url, { method: 'GET', path: '/status' }, { receiver: 'henry' }, bearer(key)));
    answers.push(
      await ask(url, { method: 'GET', path: '/history' }, { receiver: 'henry', sender: 'jjeong' }, bearer(key)),
    );
    const body = `{"key":"${key}","a secret text`;
    await fetch(`${url}/session`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
    writeFileSync(join(dir, '.access', 'people.json'), `{"henry":"${key} a secret text`); // damaged by hand
    answers.push(
      await ask(url, { method: 'GET', path: '/people' }, { receiver: 'henry' }, { ...bearer(key), Cookie: cookie }),
    );
    server.child.kill('SIGTERM');
    const { stderr, code } = await server.ended;

    expect(answers.some(({ status }) => status === 503)).toBe(true);
    expect(code).toBe(0);
    const lines = stderr.trimEnd().split('\n');
    expect(lines.length).toBeGreaterThan(2);
    for (const line of lines)
      expect(JSON.parse(line)).toMatchObject({ level: expect.any(Number), msg: expect.any(String) });
    expect(lines.map((line) => (JSON.parse(line) as { level: number }).level)).not.toContain(60);
    expect(stderr).not.toContain('a secret text');
    expect(stderr).not.toContain(key);
    expect(stderr).not.toContain(cookie.split('=')[0]!);
    // eslint-disable-next-line no-control-regex -- they are what must not be there
    expect(stderr).not.toMatch(/[\0-\x09\x0b-\x1f\x7f]/);
  });
});

test('only the owner can read the files of the server', async () => {
  const umask = process.umask(0);
  try {
    const dir = join(temporaryDirectory(), 'new', 'mailboxes');
    const chat = await serveChat({ dir });
    const page = await listen(`${chat.url}/status?receiver=henry`);
    chat.writeForeign('mina', 'data: half a line');
    await ask(chat.url, ENDPOINTS[0]!, { sender: 'henry', receiver: 'jjeong', message: 'hi' });
    const { text } = await ask(chat.url, ENDPOINTS[0]!, { sender: 'jjeong', receiver: 'henry', message: 'hi' });
    await page.next();
    const { id } = JSON.parse(text) as { id: string };
    await ask(chat.url, { method: 'POST', path: '/receipts' }, { receiver: 'henry', sender: 'jjeong', read: id });
    await until('the marks', () => existsSync(join(dir, '.marks', 'henry.json')));
    await run(['invite', 'henry', '--dir', dir]);

    const made = readdirSync(dir, { recursive: true, withFileTypes: true }).filter(({ name }) => name !== 'mina.txt');
    expect(made.length).toBeGreaterThan(8);
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const entry of made) {
      const mode = statSync(join(entry.parentPath, entry.name)).mode & 0o777;
      expect({ name: entry.name, mode: mode.toString(8) }).toEqual({
        name: entry.name,
        mode: entry.isDirectory() ? '700' : '600',
      });
    }
    expect(readFileSync(join(dir, '.access', 'people.json'), 'utf8')).toContain('henry');
  } finally {
    process.umask(umask);
  }
});
