import { appendFileSync, existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { BIN, cleanUp, type Ready, type Running, serve, temporaryDirectory } from '../command/running.ts';
import { history, say } from '../support/requests.ts';
import { until } from '../support/until.ts';
import { block } from './kit/documents.ts';
import { Shell, run } from './kit/shell.ts';

const PATH = 'docs/operations.md';

let cwd: string;
let env: Record<string, string>;
let server: Running & Ready;

beforeEach(async () => {
  cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'bin'));
  symlinkSync(BIN, join(cwd, 'bin', 'mailbox-chat'));
  env = { PATH: `${join(cwd, 'bin')}:${process.env['PATH']}` };
  server = await serve([], { cwd });
  await say(at(), 'jjeong', 'henry', 'hello');
});

afterEach(cleanUp);

const at = (): { url: string } => ({ url: server.url.slice(0, -1) });

/** The commands of the block with this first line, for the server of this test. */
function commands(name: string): string {
  return block(PATH, name).code.replaceAll('http://localhost:2012/', server.url);
}

async function stop(): Promise<void> {
  server.child.kill('SIGTERM');
  await server.ended;
}

async function messages(): Promise<string[]> {
  return (await history(at(), 'henry', 'jjeong')).messages.map(({ message }) => message);
}

describe('the commands of docs/operations.md', () => {
  test('see that all is well', async () => {
    const quick = commands('mailbox-chat doctor                           # the mailboxes').replace(
      server.url,
      `${server.url} --idle 0`,
    );

    expect(await run(quick, { cwd, env })).toMatch(/^ok {7}A typing notice, which is not stored, arrives/m);
  });

  test('look from another computer, and leave nothing behind', async () => {
    const name = "key=$(mailbox-chat invite mailbox-chat-doctor | sed 's/.*#key=//')     # where the mailboxes are";

    await run(commands(name), { cwd, env });

    const left = readdirSync(join(cwd, 'mailboxes')).filter((entry) => entry.includes('doctor'));
    expect(left).toEqual([]);
  });

  test('copy the mailboxes, and put the copy in their place', async () => {
    await run(commands('mailbox-chat backup backups/monday'), { cwd, env });
    await say(at(), 'jjeong', 'henry', 'after the backup');
    await stop();

    await run(commands('mv mailboxes mailboxes.before'), { cwd, env });
    server = await serve([], { cwd });

    expect(await messages()).toEqual(['hello']);
  });

  test('start with another time to keep mail', async () => {
    await stop();
    const shell = new Shell(`${commands('mailbox-chat --keep-days 30 --keep-bytes 100M')} --port 0`, { cwd, env });

    await shell.printed(/"name":"mailbox-chat"/);
  });

  test('forget somebody', async () => {
    appendFileSync(join(cwd, 'mailboxes', 'henry.txt'), 'data: from a file\n\n');
    await messages();

    await run(commands('mailbox-chat forget henry'), { cwd, env });

    const left = readdirSync(join(cwd, 'mailboxes'), { recursive: true }).map(String);
    expect(left.filter((path) => path.includes('henry'))).toEqual([]);
  });

  test('hand mail to a program', async () => {
    // eslint-disable-next-line no-new -- it ends with the test
    new Shell(commands("mailbox-chat tail henry --exec 'cat >> inbox.jsonl'"), { cwd, env });

    const inbox = join(cwd, 'inbox.jsonl');
    const line = await until('the message', () => (existsSync(inbox) ? readFileSync(inbox, 'utf8') : ''));
    expect(JSON.parse(line)).toMatchObject({ type: 'message', data: expect.stringContaining('hello') });
  });
});
