import { afterEach, expect, test } from '@jest/globals';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanUp, run, Running, serve, withMailboxes } from './running.ts';

afterEach(cleanUp);

interface Printed {
  readonly id: string;
  readonly data: string;
}

const send = async (cwd: string, text: string): Promise<Printed> => {
  const { stdout } = await run(['send', 'henry', text, '--as', 'jjeong'], { cwd });
  return JSON.parse(stdout) as Printed;
};

async function historyOf(url: string): Promise<string[]> {
  const answer = await fetch(`${url}history?receiver=henry&sender=jjeong`);
  return ((await answer.json()) as { messages: { message: string }[] }).messages.map(({ message }) => message);
}

test('Gives way to a server that starts during tail, and continues without a gap', async () => {
  const { cwd } = withMailboxes();
  const tail = new Running(['tail', 'henry', '--since', 'all'], { cwd });
  await send(cwd, 'before');
  await tail.printed('stdout', /before/);

  const { url } = await serve(['--max-message', '5'], { cwd });
  const limited = await fetch(`${url}messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ sender: 'jjeong', receiver: 'henry', message: 'longer' }),
  });
  await send(cwd, 'after');
  await tail.printed('stdout', /after/);

  expect(limited.status).toBe(413); // the server's settings apply
  tail.child.kill('SIGINT');
  const { stdout } = await tail.ended;
  expect(stdout.match(/before|after/g)).toEqual(['before', 'after']);
});

test('Continues when the server is killed, and after it has restarted', async () => {
  const { cwd } = withMailboxes();
  const first = await serve([], { cwd });
  const tail = new Running(['tail', 'henry', '--since', 'all'], { cwd });
  await send(cwd, 'one');
  await tail.printed('stdout', /one/);

  process.kill(first.pid, 'SIGKILL');
  await send(cwd, 'two');
  await tail.printed('stdout', /two/);
  await serve([], { cwd });
  await send(cwd, 'three');
  await tail.printed('stdout', /three/);

  tail.child.kill('SIGINT');
  const { stdout } = await tail.ended;
  expect(stdout.match(/"message\\":\\"\w+/g)).toHaveLength(3);
});

test('Does not show a person as online during tail', async () => {
  const { cwd } = withMailboxes();
  const { url } = await serve([], { cwd });
  const tail = new Running(['tail', 'henry', '--since', 'all'], { cwd });
  await send(cwd, 'hello');
  await tail.printed('stdout', /hello/);

  const answer = await fetch(`${url}people?receiver=jjeong`);

  const { people } = (await answer.json()) as { people: { name: string; online: boolean }[] };
  expect(people.find(({ name }) => name === 'henry')).toMatchObject({ online: false });
});

test('Forgets a mailbox of a running server: old mail is gone, and new mail is shown', async () => {
  const { cwd, mailboxes } = withMailboxes();
  const { url } = await serve([], { cwd });
  await send(cwd, 'old');

  const { code } = await run(['forget', 'henry'], { cwd });
  appendFileSync(join(mailboxes, 'henry.txt'), 'data: from a shell\n\n');
  await send(cwd, 'new');

  expect(code).toBe(0);
  expect(await historyOf(url)).toEqual(['from a shell', 'new']);
  expect(readFileSync(join(mailboxes, 'henry.txt'), 'utf8')).not.toContain('old');
});

test('Lets nobody but the command line delete a mailbox', async () => {
  const { cwd } = withMailboxes();
  const { url } = await serve([], { cwd });
  await send(cwd, 'kept');
  const administers = encodeURIComponent(JSON.stringify({ access: 'open', as: 'everybody', administers: true }));

  const answer = await fetch(`${url}mailbox?receiver=henry`, {
    method: 'DELETE',
    headers: { 'mailbox-chat-caller': administers },
  });

  expect(answer.status).toBe(404);
  expect(await historyOf(url)).toEqual(['kept']);
});

test('Does not copy mailboxes to a cluster while a server uses them', async () => {
  const { cwd } = withMailboxes();
  await serve([], { cwd });

  const { code, stderr } = await run(['migrate', '--store', 'nats://localhost:1'], { cwd });

  expect(code).toBe(1);
  expect(stderr).toContain('✗ A server, or another command, is using ./mailboxes.');
});
