import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { readMail } from '../../examples/mail/read.mjs';
import { vectors } from '../../examples/mail/vectors.mjs';
import { document } from '../docs/kit/documents.ts';
import { run, type Ran } from '../docs/kit/shell.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { listen } from '../support/listener.ts';
import { LANGUAGES, exampleCommand, isInstalled, type Language } from '../support/mail-examples.ts';
import { say } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { serveChat } from '../support/serve-chat.ts';
import { until } from '../support/until.ts';

const EXAMPLES = join(PACKAGE_DIR, 'examples/mail');
const README = 'examples/mail/README.md';
/** Of a script; C and Go need more. */
const MOST_LINES = 30;
const WITHIN_MS = 60_000;

/** Where Go is missing, nothing is said: it is too large to be installed for its tests. */
const languages = (Object.keys(LANGUAGES) as Language[]).filter((language) => language !== 'go' || isInstalled('go'));

async function check(reader: readonly string[]): Promise<Ran> {
  const checking = spawn(process.execPath, [join(EXAMPLES, 'check-reader.mjs'), '--', ...reader]);
  const [stdout, stderr] = [checking.stdout, checking.stderr].map((stream) => stream.setEncoding('utf8').toArray());
  const [code] = (await once(checking, 'close')) as [number | null];
  return { code, stdout: (await stdout!).join(''), stderr: (await stderr!).join('') };
}

describe.each(languages)('the example in %s', (language) => {
  const ifInstalled = requires(LANGUAGES[language].needs);

  // A process for each vector takes Node ten seconds: its reader is called below.
  if (language !== 'mjs')
    ifInstalled(
      'reads all vectors as the format says',
      async () => {
        const { code, stdout } = await check(exampleCommand('read', language, temporaryDirectory()));

        expect(stdout).toBe(`${vectors().length} of ${vectors().length} vectors passed\n`);
        expect(code).toBe(0);
      },
      WITHIN_MS,
    );

  ifInstalled('reads what a server has left in a mailbox', async () => {
    const chat = await serveChat();
    chat.writeForeign('henry', 'event: news\ndata: one\ndata: two\n\n');
    await say(chat, 'jjeong', 'henry', '안녕 "henry"\\');
    chat.writeForeign('henry', 'data: a\tb\u0001\n\n');
    await say(chat, 'mina', 'henry', 'last');
    const bytes = readFileSync(chat.mailboxFile('henry'));
    const [command = '', ...args] = exampleCommand('read', language, temporaryDirectory());

    const printed = execFileSync(command, [...args, 'henry', '0-0'], { input: bytes, encoding: 'utf8' });

    const read = printed
      .trim()
      .split('\n')
      .map((line) => ({ type: 'message', ...(JSON.parse(line) as object) }));
    const henry = await listen(`${chat.url}/status?receiver=henry`, { types: ['news'] });
    expect(read).toEqual(await henry.nextUpTo('last'));
  });

  ifInstalled('writes a text of several lines, and each line of its input, for a server to show', async () => {
    const chat = await serveChat();
    const henry = await listen(`${chat.url}/status?receiver=henry`);
    const [command = '', ...args] = [...exampleCommand('write', language, temporaryDirectory())];
    chat.writeForeign('henry', 'data: unfinished');

    await promisify(execFile)(command, [...args, chat.mailboxFile('henry'), 'one\r\ntwo %s\\n\n안녕']);
    const lines = spawn(command, [...args, chat.mailboxFile('henry')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const printed = lines.stdout.setEncoding('utf8').toArray();
    lines.stdin.end('three\nfour\n');

    expect(await henry.textsUpTo('four')).toEqual(['unfinished', 'one\ntwo %s\\n\n안녕', 'three', 'four']);
    expect((await printed).join('')).toBe('three\nfour\n');
  });

  requires(LANGUAGES[language].needs, 'strace')('writes in one write', () => {
    const dir = temporaryDirectory();
    const [mailbox, trace] = [join(dir, 'henry.txt'), join(dir, 'trace')];
    writeFileSync(mailbox, '');
    const command = [...exampleCommand('write', language, dir), mailbox, `${'x'.repeat(3000)}\n${'y'.repeat(900)}`];

    execFileSync('strace', ['-qq', '-f', '-P', mailbox, '-e', 'trace=write', '-o', trace, ...command]);

    expect(readFileSync(trace, 'utf8').match(/ write\(/g)).toHaveLength(1);
  });

  ifInstalled('refuses a message that is too long, and writes nothing', () => {
    const dir = temporaryDirectory();
    const mailbox = join(dir, 'henry.txt');
    const [command = '', ...args] = exampleCommand('write', language, dir);
    writeFileSync(mailbox, '');

    const write = (): unknown =>
      execFileSync(command, [...args, mailbox], { input: `${'x'.repeat(2 ** 20)}\n`, stdio: 'pipe' });

    expect(write).toThrow(/A message may be 1 MiB|A longer message would not be one write/);
    expect(readFileSync(mailbox, 'utf8')).toBe('');
  });

  if (language !== 'c' && language !== 'go')
    test.each(['read', 'write'])(`%s.${language} has at most ${MOST_LINES} lines of code`, (example) => {
      const lines = readFileSync(join(EXAMPLES, `${example}.${language}`), 'utf8').split('\n');

      expect(lines.filter((line) => !/^\s*(?:#.*|\/\/.*|<\?php)?$/.test(line)).length).toBeLessThanOrEqual(MOST_LINES);
    });
});

test('the example in mjs reads all vectors as the format says', () => {
  for (const { name, bytes, mailbox, start, events } of vectors())
    expect([name, ...readMail(bytes, mailbox, start)]).toEqual([name, ...events]);
});

describe('examples/mail/check-reader.mjs', () => {
  test('says which vectors a reader fails, and why', async () => {
    const { code, stdout } = await check(['sh', '-c', `echo '{"data": "a"}'`]);

    expect(code).toBe(1);
    expect(stdout).toContain(`FAILED line-endings.json: CRLF is one line end, not two
  expected [{"data":"a\\nb"}]
  got      [{"data":"a"}]`);
    expect(stdout).not.toContain('FAILED line-endings.json: CRLF\n');
    expect(stdout).toMatch(/^\d+ of \d+ vectors passed$/m);
  });

  test('says why a reader cannot be run', async () => {
    const { code, stderr } = await check(['/no/such/reader']);

    expect(code).toBe(2);
    expect(stderr).toContain('The reader cannot be run: spawn /no/such/reader ENOENT');
  });
});

describe(README, () => {
  requires('python3')('has commands that write to a mailbox, and read what waits there', async () => {
    const cwd = temporaryDirectory();
    const chat = await serveChat({ dir: join(cwd, 'mailboxes') });
    const henry = await listen(`${chat.url}/status?receiver=henry`);
    await say(chat, 'jjeong', 'henry', 'received');
    await henry.textsUpTo('received');
    await until('a piece', () =>
      readdirSync(chat.dir, { recursive: true }).some((path) => /henry\/\d.*_/.test(path.toString())),
    );
    henry.close();
    const [write, read] = document(README).blocks.filter(({ language }) => language === 'sh');
    await run(`cp -r '${join(PACKAGE_DIR, 'examples')}' .`, { cwd });

    await run(write!.code, { cwd });
    const printed = await run(read!.code, { cwd });

    const again = await listen(`${chat.url}/status?receiver=henry&since=all`);
    const heard = await again.nextUpTo('hello from Python');
    const { id, data } = heard.at(-1)!;
    expect(
      printed
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toContainEqual({ id, data });
  });
});
