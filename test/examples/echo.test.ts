import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { beforeAll, describe, expect } from '@jest/globals';
import { Invitations } from '../../src/access/invitations.ts';
import { personName } from '../../src/words/mailbox-name.ts';
import { Shell } from '../docs/kit/shell.ts';
import { PACKAGE_DIR, buildPackage } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { commandsOf, copyOf, pathOf } from '../support/example-copies.ts';
import { listen } from '../support/listener.ts';
import { LANGUAGES, exampleCommand, isInstalled, type Language } from '../support/mail-examples.ts';
import { say } from '../support/requests.ts';
import { requires } from '../support/requires.ts';
import { serveChat, type ServedChat } from '../support/serve-chat.ts';

const README = 'examples/echo/README.md';
const ANSWER = join(PACKAGE_DIR, 'examples/echo/answer.sh');
const TEXTS = ['"quoted" \\back\\', 'two\r\nlines\t%s $(exit 1) `exit 1`', '안녕 😀","time":"","message":"\\"'];
/** The chat refuses answers to the last two: the name is not usable, the text is too long. */
const FOREIGN = [
  'no JSON',
  '[1]',
  'null',
  '{"sender":"../x","receiver":"bot","message":"hi","time":"","key":""}',
  `{"sender":"henry","receiver":"bot","message":"${'x'.repeat(100_000)}","time":"","key":""}`,
];

/** Where Go is missing, nothing is said: it is too large to be installed for its tests. */
const languages = (Object.keys(LANGUAGES) as Language[]).filter((language) => language !== 'go' || isInstalled('go'));

beforeAll(buildPackage);

/** Everything in the bot's mailbox, each event as the line that `tail --exec` hands to a command. */
async function linesFor({ url }: ServedChat): Promise<string[]> {
  const lines: string[] = [];
  for (let since = 'all'; ;) {
    const part = await fetch(`${url}/status?receiver=bot&since=${since}`, { headers: { Accept: 'application/json' } });
    const { events, cursor } = (await part.json()) as { events: readonly object[]; cursor: string };
    if (events.length === 0) return lines;
    lines.push(...events.map((event) => `${JSON.stringify(event)}\n`));
    since = cursor;
  }
}

/** Runs a command with a line as its input. Resolves to its exit code. */
function exitCode(line: string, command: readonly string[], chat: string): Promise<number | null> {
  const [program = '', ...args] = command;
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: { PATH: process.env['PATH'], CHAT: chat } });
    child.on('close', resolve);
    child.stdin!.end(line);
  });
}

describe.each(languages)('the bot in %s', (language) => {
  requires(LANGUAGES[language].needs, 'curl')('answers each message once, and no text of other programs', async () => {
    const chat = await serveChat();
    const henry = await listen(`${chat.url}/status?receiver=henry`);
    const bot = [ANSWER, ...exampleCommand('echo', language, temporaryDirectory())];
    await say(chat, 'bot', 'bot', 'a note of my own');
    for (const data of FOREIGN) chat.writeForeign('bot', `data: ${data}\n\n`);
    for (const text of TEXTS) await say(chat, 'henry', 'bot', text);
    const lines = await linesFor(chat);

    const codes: unknown[] = [];
    for (const line of [...lines, ...lines.slice(-2)]) codes.push(await exitCode(line, bot, chat.url));

    expect(codes).toEqual(codes.map(() => 0));
    expect(lines.length).toBe(1 + FOREIGN.length + TEXTS.length);
    await say(chat, 'jjeong', 'henry', 'after the answers');
    expect(await henry.textsUpTo('after the answers')).toEqual([...TEXTS, 'after the answers']);
    expect((await linesFor(chat)).length).toBe(lines.length);
  });
});

describe('examples/echo/answer.sh', () => {
  requires('curl')(
    'fails when the program fails or the chat cannot be asked, so that the message comes again',
    async () => {
      const { url } = await serveChat({ access: 'links' });

      const failed = await exitCode('', [ANSWER, 'sh', '-c', 'echo {}; exit 7'], url);
      const refused = await exitCode('', [ANSWER, 'echo', '{"sender":"bot","receiver":"henry","message":"hi"}'], url);
      const unreachable = await exitCode('', [ANSWER, 'echo', '{}'], 'http://127.0.0.1:1');

      expect([failed, refused, unreachable]).toEqual([7, 1, 1]);
    },
  );

  requires('curl')('goes on when an earlier answer to the same message had another text', async () => {
    const chat = await serveChat();
    await say(chat, 'bot', 'henry', 'at noon', 'answer-1');
    const later = JSON.stringify({ sender: 'bot', receiver: 'henry', message: 'at one', key: 'answer-1' });

    expect(await exitCode('', [ANSWER, 'echo', later], chat.url)).toBe(0);
  });
});

describe(README, () => {
  requires('python3', 'curl')('runs a bot that gets in with a link of its own', async () => {
    const chat = await serveChat({ access: 'links' });
    const [command = ''] = commandsOf(README);
    const invitations = new Invitations(chat.dir);
    const [asHenry, asBot] = ['henry', 'bot'].map((name) => invitations.invite(personName(name)));
    const headers = { Authorization: `Bearer ${asHenry}` };
    const message = new URLSearchParams({ sender: 'henry', receiver: 'bot', message: 'hi' });
    const dir = copyOf('echo');
    const env = { PATH: pathOf(dir), MAILBOX_DIR: chat.dir, CHAT: chat.url, KEY: asBot! };

    // eslint-disable-next-line no-new -- it ends with the test
    new Shell(command, { cwd: dir, env });
    await fetch(`${chat.url}/messages`, { method: 'POST', headers, body: message });

    const waiting = `${chat.url}/status?receiver=henry&wait=20`;
    const answer = await fetch(waiting, { headers: { ...headers, Accept: 'application/json' } });
    expect(await answer.text()).toContain('"sender\\":\\"bot\\",\\"receiver\\":\\"henry\\",\\"message\\":\\"hi\\"');
  });
});
