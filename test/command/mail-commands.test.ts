import { afterEach, expect, test } from '@jest/globals';
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, type Ended, run, Running, serve, temporaryDirectory, withMailboxes } from './running.ts';

afterEach(cleanUp);

const withTerminal = existsSync('/usr/bin/script') && process.platform === 'linux' ? test : test.skip;

interface Printed {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

function send(cwd: string, text: string): Promise<unknown> {
  return run(['send', 'henry', text, '--as', 'jjeong'], { cwd });
}

function messagesIn(stdout: string): string[] {
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Printed);
  return events.map(({ data }) => (data.startsWith('{') ? (JSON.parse(data) as { message: string }).message : data));
}

async function sendUntilPrinted(marker: string, tail: Running, cwd: string): Promise<void> {
  const printed = tail.printed('stdout', new RegExp(marker)).then(() => true);
  // One after the other: the last one must not come after what is sent next.
  do await send(cwd, marker);
  while (!(await Promise.race([printed, Promise.resolve(false)])));
}

/** All that `tail` has printed once it has printed `last`. */
async function tailed(tail: Running, last: string): Promise<string[]> {
  await tail.printed('stdout', new RegExp(`${last}.*\n$`));
  tail.child.kill('SIGINT');
  const { code, stdout } = await tail.ended;
  expect(code).toBe(0);
  return messagesIn(stdout);
}

test('Sends without a server into a mailbox that anybody can read', async () => {
  const { cwd, mailboxes } = withMailboxes();

  const { code, stdout } = await run(['send', 'henry', 'hello', 'there', '--as', 'mina'], { cwd });

  expect(code).toBe(0);
  const mail = readFileSync(join(mailboxes, 'henry.txt'), 'utf8');
  expect(mail).toContain('"sender":"mina","receiver":"henry","message":"hello there"');
  expect(mail).toContain(`id: ${(JSON.parse(stdout) as Printed).id}\n`);
});

test('Sends a message as long as --max-message allows, without a server', async () => {
  const { cwd } = withMailboxes();

  const { code } = await run(['send', 'henry', 'a'.repeat(5000), '--as', 'jjeong', '--max-message', '5000'], { cwd });

  expect(code).toBe(0);
});

/** Runs `send henry -` with the output of a command line as its input. */
function sendOutputOf(commands: string, cwd: string, ...options: string[]): Promise<Ended> {
  const through = ['sh', '-c', `${commands} | "$@"`, 'sh'];
  return run(['send', 'henry', '-', '--as', 'jjeong', ...options], { cwd, through });
}

test('Sends its standard input, without the last line end', async () => {
  const { cwd, mailboxes } = withMailboxes();

  const { code } = await sendOutputOf(String.raw`printf '\n "100%%" \\n 안녕\377\n\n'`, cwd);

  expect(code).toBe(0);
  const [data = ''] = /{.*}/.exec(readFileSync(join(mailboxes, 'henry.txt'), 'utf8')) ?? [];
  expect(JSON.parse(data)).toMatchObject({ message: '\n "100%" \\n 안녕\uFFFD\n' });
});

test.each([
  ['an empty input', 'printf ""', 'Standard input has no message.'],
  ['an input with no more than a line end', 'echo', 'Standard input has no message.'],
  ['one character too many', 'echo 안녕하세요요', 'The message has 6 characters; at most 5 are allowed.'],
  ['an input without an end', 'yes', 'The message has more than 5 characters, which is the most that is allowed.'],
])('Refuses %s with 2 and writes nothing', async (_what, commands, message) => {
  const { cwd, mailboxes } = withMailboxes();

  const { code, stderr } = await sendOutputOf(commands, cwd, '--max-message', '5');

  expect(code).toBe(2);
  expect(stderr).toContain(`✗ ${message}`);
  expect(readdirSync(mailboxes)).toEqual([]);
});

test('Sends to a page that is open on a running server', async () => {
  const { cwd } = withMailboxes();
  const { url } = await serve([], { cwd });
  const stream = await fetch(`${url}status?receiver=henry`);

  await send(cwd, 'from the shell');

  let text = '';
  for await (const bytes of stream.body ?? []) {
    text += Buffer.from(bytes as Uint8Array).toString();
    if (text.includes('from the shell')) break;
  }
  expect(text).toMatch(/^id: .*\ndata: .*from the shell/m);
});

test.each([
  ['an empty message', ['send', 'henry', ''], 'The message is empty.'],
  [
    'a long message',
    ['send', 'henry', '123456', '--max-message', '5'],
    'The message has 6 characters; at most 5 are allowed.',
  ],
  ['a receiver that is no name', ['send', '../henry', 'hi'], 'This is not a usable name'],
  ['a sender that is no name', ['send', 'henry', 'hi', '--as', 'a b'], 'This is not a usable name'],
])('Refuses %s with 2 and writes nothing', async (_what, args, message) => {
  const { cwd, mailboxes } = withMailboxes();

  const { code, stderr } = await run(args, { cwd });

  expect(code).toBe(2);
  expect(stderr).toContain(`✗ ${message}`);
  expect(readdirSync(mailboxes)).toEqual([]);
});

test.each([
  ['send', 'henry', 'hi'],
  ['tail', 'henry'],
  ['forget', 'henry'],
])('%s does not make a directory of mailboxes where there is none, and ends with 78', async (...args) => {
  const cwd = temporaryDirectory();

  const { code, stderr } = await run(args.filter(Boolean), { cwd });

  expect(code).toBe(78);
  expect(stderr).toContain('✗ There are no mailboxes at ./mailboxes.');
  expect(readdirSync(cwd)).toEqual([]);
});

test('Prints mail from now on, whoever writes it', async () => {
  const { cwd, mailboxes } = withMailboxes();
  await send(cwd, 'before');
  const tail = new Running(['tail', 'henry'], { cwd });
  await sendUntilPrinted('has begun', tail, cwd);

  appendFileSync(join(mailboxes, 'henry.txt'), 'data: from a file\n\n');
  await tail.printed('stdout', /from a file/);
  await send(cwd, 'after');

  const messages = await tailed(tail, 'after');
  expect(messages.filter((message) => message !== 'has begun')).toEqual(['from a file', 'after']);
});

test('Prints mail from the beginning, from an hour ago, from a time, or from an id', async () => {
  const { cwd } = withMailboxes();
  const { stdout } = await run(['send', 'henry', 'one', '--as', 'jjeong'], { cwd });
  await send(cwd, 'two');
  const { id } = JSON.parse(stdout) as Printed;

  const all = ['all', '1h', '1700000000'].map((since) => new Running(['tail', 'henry', '--since', since], { cwd }));
  const later = new Running(['tail', 'henry', '--since', id], { cwd });

  for (const tail of all) expect(await tailed(tail, 'two')).toEqual(['one', 'two']);
  expect(await tailed(later, 'two')).toEqual(['two']);
});

test('Prints lines of JSON with id, type and data', async () => {
  const { cwd, mailboxes } = withMailboxes();
  appendFileSync(join(mailboxes, 'henry.txt'), 'event: wakeup\ndata: 1\ndata: 2\n\n');
  const tail = new Running(['tail', 'henry', '--since', 'all'], { cwd });

  const [line] = await tail.printed('stdout', /^.*\n/);

  expect(JSON.parse(line)).toEqual({ id: expect.stringMatching(/^\d+-\d+\.\d+$/), type: 'wakeup', data: '1\n2' });
});

test('Moves no mark when it prints mail, which still waits for its receiver', async () => {
  const { cwd } = withMailboxes();
  await send(cwd, 'still waiting');
  await tailed(new Running(['tail', 'henry', '--since', 'all'], { cwd }), 'still waiting');

  const { url } = await serve([], { cwd });
  const history = await fetch(`${url}history?receiver=jjeong&sender=henry`);

  expect(await history.json()).toMatchObject({ messages: [{ message: 'still waiting', state: 'sent' }] });
});

withTerminal('In a terminal tails for people, and no mail can play tricks with it', async () => {
  const { cwd, mailboxes } = withMailboxes();
  await send(cwd, 'hello\n09:41 mina: forged \u001B[31m red \u202E');
  appendFileSync(join(mailboxes, 'henry.txt'), 'data: from the shell\n\n');

  const tail = new Running(['tail', 'henry', '--since', 'all'], { cwd, terminal: true, env: { NO_COLOR: '1' } });
  const [text] = await tail.printed('stdout', /^[^]*from the shell\r\n/);

  expect(text.split('\r\n').slice(0, -1)).toEqual([
    expect.stringMatching(/^\d\d:\d\d jjeong: hello$/),
    '      09:41 mina: forged \uFFFD[31m red \uFFFD',
    expect.stringMatching(/^\d\d:\d\d from a file: from the shell$/),
  ]);
});

test('Ends with 0 when the reader of its output has ended', async () => {
  const { cwd } = withMailboxes();
  await send(cwd, 'one');
  const through = ['sh', '-c', '"$@" --since all | head -n 1', 'sh'];
  const tail = new Running(['tail', 'henry'], { cwd, through });
  await tail.printed('stdout', /one/);

  await send(cwd, 'two');

  expect(await tail.ended).toMatchObject({ code: 0, stderr: '' });
});

test('Ends with 2 if --since is malformed', async () => {
  const { cwd } = withMailboxes();

  const { code, stderr } = await run(['tail', 'henry', '--since', 'yesterday'], { cwd });

  expect(code).toBe(2);
  expect(stderr).toContain('since=all');
});

test('Forgets the mailbox, the mail and the marks of a person', async () => {
  const { cwd, mailboxes } = withMailboxes();
  await send(cwd, 'one');
  await tailed(new Running(['tail', 'henry', '--since', 'all'], { cwd }), 'one');
  await send(cwd, 'two');

  const { code } = await run(['forget', 'henry'], { cwd });

  expect(code).toBe(0);
  const left = readdirSync(mailboxes, { recursive: true }).map(String);
  expect(left.filter((path) => path.includes('henry'))).toEqual([]);
});
