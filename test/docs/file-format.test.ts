import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import * as fc from 'fast-check';
import { Invitations } from '../../src/access/invitations.ts';
import { MailReader } from '../../src/files/mail-reader.ts';
import { FileMailboxes, mailboxName } from '../../src/index.ts';
import { bearer, serveLinks } from '../security/kit/links.ts';
import { PACKAGE_DIR } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { PNG, getFile, sha256Of } from '../support/files.ts';
import { Listener, listen, textOf } from '../support/listener.ts';
import { pieces as mailPieces } from '../support/mail-pieces.ts';
import { OLD_DIRECTORIES, layOut, oldDirectory } from '../support/old-directory.ts';
import { requires } from '../support/requires.ts';
import { history, say } from '../support/requests.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';
import { readAll } from '../support/store-mail.ts';
import { until } from '../support/until.ts';
import { block, document, type Block } from './kit/documents.ts';
import { examples, withoutTimes, type Example } from './kit/examples.ts';
import { run } from './kit/shell.ts';

const PATH = 'docs/file-format.md';
const LINES_IN_FRONT = '\n\n';

/** A chat on `mailboxes` in its own directory. Its monotonic clock runs a hundred times as fast. */
async function serveIn(cwd: string, options: { readonly pieceBytes?: number } = {}): Promise<ServedChat> {
  const dir = join(cwd, 'mailboxes');
  return serveChat({ dir, store: new FileMailboxes(dir, { ...options, uptimeMs: () => performance.now() * 100 }) });
}

/** Every example that writes, once for each interpreter. */
const writers = examples(PATH, ['sh', 'php', 'js']).flatMap((example) =>
  (example.commands.language === 'sh' ? ['bash', 'dash'] : [example.commands.language]).map(
    (by) => [by, example] as const,
  ),
);

/** The command line that runs a block. A program goes into a file, as for users. */
function commandFor(by: string, { code }: Block, cwd: string): string {
  if (by === 'bash' || by === 'dash') return code;
  const file = join(cwd, by === 'php' ? 'write.php' : 'write.mjs');
  writeFileSync(file, code);
  return by === 'php' ? `php ${file}` : `'${process.execPath}' ${file}`;
}

function shellOf(by: string): string {
  return by === 'dash' ? 'dash' : 'bash';
}

/** What the reader sees: the output after the commands, or the text in them. */
function textFrom({ commands, output }: Example): string {
  return output ?? /data: (hello[\w ]*)/.exec(commands.code)![1]!;
}

describe('docs/file-format.md', () => {
  requires('dash', 'php')('has examples that reach the reader, one after the other', async () => {
    const cwd = temporaryDirectory();
    writeFileSync(join(cwd, 'photo.jpg'), PNG);
    const chat = await serveIn(cwd);
    const page = await listen(`${chat.url}/status?receiver=henry`);

    for (const [by, example] of writers) {
      await run(commandFor(by, example.commands, cwd), { cwd, shell: shellOf(by) });
      expect([by, textOf(await page.next())]).toEqual([by, textFrom(example)]);
    }
    expect((await getFile(chat, 'henry', sha256Of(PNG))).headers.get('Content-Type')).toBe('image/png');
  });

  requires(
    'dash',
    'php',
    'strace',
  )('has examples that append in one write, and names those that do not', async () => {
    const cwd = temporaryDirectory();
    mkdirSync(join(cwd, 'mailboxes'));
    const mailbox = join(cwd, 'mailboxes/henry.txt');
    const writesOf = async (by: string, commands: string): Promise<number> => {
      appendFileSync(mailbox, '');
      const [script, trace] = [join(cwd, 'script'), join(cwd, 'trace')];
      writeFileSync(script, commands);
      await run(`strace -qq -f -P ${mailbox} -e trace=write -o ${trace} ${shellOf(by)} ${script}`, { cwd });
      return readFileSync(trace, 'utf8').match(/ write\(/g)!.length;
    };

    for (const [by, { commands }] of writers)
      expect([by, await writesOf(by, commandFor(by, commands, cwd))]).toEqual([by, 1]);
    const full = 'x'.repeat(4096 - '\n\ndata: \n\n'.length);
    for (const by of ['bash', 'dash']) {
      expect(await writesOf(by, String.raw`env printf '\n\ndata: %s\n\n' ${full} >> ${mailbox}`)).toBe(1);
      expect(await writesOf(by, `cat >> ${mailbox} <<END\n\n\ndata: ${full}\n\nEND\n`)).toBe(1);
    }
    expect(await writesOf('bash', String.raw`printf 'data: one\ndata: two\n\n' >> ${mailbox}`)).toBe(3);
  });

  test.each(rows(/^\| `(.+)` \| (?:`([^`]+)`|nothing) \|/gm))('tells what becomes of %s', async (written, text) => {
    const cwd = temporaryDirectory();
    const chat = await serveIn(cwd);
    const page = await listen(`${chat.url}/status?receiver=henry`, { types: ['news'] });
    const write = (format: string): Promise<string> => run(`env printf '${format}' >> mailboxes/henry.txt`, { cwd });

    await write(written!);
    if (text !== undefined) expect((await page.next()).data).toBe(text.replaceAll(String.raw`\n`, '\n'));
    else if (!written!.endsWith(String.raw`\n`)) await until('its end', () => allIn(chat).includes('\n: torn\n'));
    await write(String.raw`\n\ndata: marker\n\n`);

    expect((await page.next()).data).toBe('marker');
  });

  test('shows a message as a mailbox holds it', async () => {
    const chat = await serveChat();
    const { code } = block(PATH, ': after 0-0');

    await say(chat, 'jjeong', 'henry', '안녕\nhi', 'one for each message');

    expect(withoutTimes(chat.mailboxText('henry'))).toBe(withoutTimes(code));
  });

  test('shows a message that another program can write under any name', async () => {
    const chat = await serveChat();
    const { code } = document(PATH).blocks.find(({ name }) => name.startsWith('data: {"sender"'))!;

    chat.writeForeign('henry', `${LINES_IN_FRONT}${code}\n\n`);

    const { messages } = await history(chat, 'henry', 'jjeong');
    expect(messages).toEqual([
      expect.objectContaining({ sender: 'jjeong', message: '안녕\nhi', key: 'one for each message' }),
    ]);
  });

  test('says how a name is spelled as a mailbox', async () => {
    const chat = await serveChat();
    chat.writeForeign('Henry', 'data: nobody\n\n');
    chat.writeForeign('henry', 'data: marker\n\n');

    const page = await listen(`${chat.url}/status?receiver=Henry`);

    expect(await page.textsUpTo('marker')).toEqual(['marker']);
  });

  test('lists all that a server leaves in the directory', async () => {
    const chat = await serveIn(temporaryDirectory());
    const listed = rows(/^\| `(\.\w+)[/\w.]*` \|/gm).map(([name]) => name!);
    new Invitations(chat.dir).invite(mailboxName('henry'));
    const page = await listen(`${chat.url}/status?receiver=henry`);
    await say(chat, 'jjeong', 'henry', 'hi');
    await page.textsUpTo('hi');
    await say(chat, 'jjeong', 'mina', 'hi');
    await chat.stop();
    await (await serveChat({ dir: chat.dir })).stop(); // without its own store, it shares the directory
    const store = new FileMailboxes(chat.dir);
    await store.forget(mailboxName('mina'));
    await store.close();

    const left = readdirSync(chat.dir).filter((name) => name.startsWith('.'));

    expect(left.toSorted()).toEqual([...new Set(listed)].toSorted());
  });
});

describe('a file that docs/file-format.md allows to delete', () => {
  test('while the server is stopped leaves the mail and the history unchanged, except for marks', async () => {
    const before = await serveChat();
    await listen(`${before.url}/status?receiver=henry`);
    await say(before, 'jjeong', 'henry', 'received');
    await until('the mark', async () => (await history(before, 'henry', 'jjeong')).messages[0]?.state === 'delivered');
    await say(before, 'henry', 'jjeong', 'waits');
    await before.stop();

    for (const name of ['.marks', '.locks', '.access'])
      rmSync(join(before.dir, name), { recursive: true, force: true });
    const after = await serveChat({ dir: before.dir });

    const { messages } = await history(after, 'henry', 'jjeong');
    expect(messages.map(({ message, state }) => [message, state])).toEqual([
      ['received', 'sent'],
      ['waits', 'sent'],
    ]);
    expect(await new Listener(`${after.url}/status?receiver=henry`).textsUpTo('received')).toEqual([
      '<ready>',
      'received',
    ]);
  });

  test('with the list of the invited ends all links, even while the server runs', async () => {
    const chat = await serveLinks();
    const ask = (): Promise<Response> =>
      fetch(`${chat.url}/history?receiver=henry&sender=jjeong`, { headers: bearer(chat.keys.henry) });
    expect((await ask()).status).toBe(200);

    rmSync(join(chat.dir, '.access'), { recursive: true });

    expect((await ask()).status).toBe(401);
  });

  test('from the log, one of the oldest pieces, removes nothing else', async () => {
    const chat = await serveIn(temporaryDirectory());
    const log = join(chat.dir, '.delivered/henry');
    await listen(`${chat.url}/status?receiver=henry`);
    const { id: gone } = await say(chat, 'jjeong', 'henry', 'message 0');
    for (let i = 1; i < 40; i += 1) {
      await say(chat, 'jjeong', 'henry', `message ${i}`);
      if (i % 10 === 9) await until('the take', () => chat.mailboxText('henry') === '');
    }
    const [oldest] = await until('two pieces', () => {
      const pieces = existsSync(log) ? readdirSync(log) : [];
      return pieces.length > 1 ? pieces.toSorted((a, b) => parseInt(a, 10) - parseInt(b, 10)) : undefined;
    });

    await chat.stop();
    rmSync(join(log, oldest!));

    const again = await serveChat({ dir: chat.dir });
    const texts = await new Listener(`${again.url}/status?receiver=henry&since=all`).textsUpTo('message 39');
    const numbers = texts.slice(1).map((text) => Number(text.split(' ')[1]));
    expect(numbers[0]).toBeGreaterThan(0);
    expect(numbers).toEqual(Array.from(numbers, (_, i) => numbers[0]! + i));
    const late = await listen(`${again.url}/status?receiver=henry&lastEventId=${gone}`);
    expect((await late.textsUpTo('message 39')).slice(0, 2)).toEqual(['<gap>', `message ${numbers[0]}`]);
  });
});

describe('examples/mail/read-log.mjs', () => {
  async function read(dir: string): Promise<string[]> {
    const script = join(PACKAGE_DIR, 'examples/mail/read-log.mjs');
    const text = await run(`'${process.execPath}' ${script} '${dir}' henry`, { cwd: dir });
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { id: string }).id);
  }

  test('reads what a server has written, in order', async () => {
    const chat = await serveIn(temporaryDirectory(), { pieceBytes: 2000 });
    const page = await listen(`${chat.url}/status?receiver=henry`);
    for (let i = 0; i < 20; i += 1) {
      await say(chat, 'jjeong', 'henry', `ours ${i}`);
      chat.writeForeign('henry', `data: theirs ${i}\n\n`);
      await page.textsUpTo(`theirs ${i}`);
    }
    await until('pieces', () => existsSync(join(chat.dir, '.delivered/henry')));
    await chat.stop();

    const heard = page.heard.filter(({ type }) => type === 'message').map(({ id }) => id);
    expect(await read(chat.dir)).toEqual(heard);
  });

  test('reads what the server reads, whatever a piece holds', async () => {
    await fc.assert(
      fc.asyncProperty(mailPieces, async ({ start, bytes }) => {
        const dir = temporaryDirectory();
        mkdirSync(join(dir, '.taken/henry'), { recursive: true });
        writeFileSync(join(dir, `.taken/henry/${start}_99-0.txt`), bytes);

        const expected = new MailReader(mailboxName('henry'), start).read(bytes).map(({ id }) => id);

        expect(await read(dir)).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });

  test.each(OLD_DIRECTORIES)('reads a directory of version 1 that was converted (%s)', async (name) => {
    const old = oldDirectory(name);
    const dir = temporaryDirectory();
    layOut(old, dir);
    const store = new FileMailboxes(dir, { watch: false, now: () => old.now });
    const events = await readAll(store);
    await store.close();

    expect(await read(dir)).toEqual(events.map(({ id }) => id));
  });
});

function allIn({ dir }: ServedChat): string {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n');
}

function rows(row: RegExp): (string | undefined)[][] {
  return Array.from(readFileSync(join(PACKAGE_DIR, PATH), 'utf8').matchAll(row), ([, ...cells]) => cells);
}
