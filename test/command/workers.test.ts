import { afterEach, expect, test } from '@jest/globals';
import { mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { childrenOf } from '../faults/kit/server-process.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { listen, type Listener, textOf } from '../support/listener.ts';
import { scrape } from '../support/metrics.ts';
import { until } from '../support/until.ts';
import { cleanUp, run, serve, temporaryDirectory } from './running.ts';

afterEach(cleanUp);

const WORKERS = 3;
/** So many connections that each worker has some. */
const ENOUGH = 2 * WORKERS;

type Server = Awaited<ReturnType<typeof serve>>;

function serveTogether(
  args: readonly string[] = [],
  cwd = temporaryDirectory(),
): Promise<Server & { metrics: string }> {
  return serve(['--workers', `${WORKERS}`, ...args], { cwd }) as Promise<Server & { metrics: string }>;
}

/** On a connection of its own, which goes to the next worker. */
function post(url: string, path: string, body: object): Promise<Response> {
  return fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', connection: 'close' },
    body: JSON.stringify(body),
  });
}

function pages(url: string, query: string, count = ENOUGH): Promise<Listener[]> {
  const types = ['presence', 'typing', 'sent', 'delivered', 'read'];
  return Promise.all(Array.from({ length: count }, () => listen(`${url}status?${query}`, { types })));
}

function all<T>(count: number, one: () => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, one));
}

async function heardBy(listeners: readonly Listener[], what: string, pattern: RegExp): Promise<void> {
  await until(what, () =>
    listeners.every(({ heard }) => heard.some(({ type, data }) => pattern.test(`${type} ${data}`))),
  );
}

/** Which workers have streams of a mailbox open. */
async function holdersOf(url: string, mailbox: string): Promise<Set<number>> {
  const looks = await all(2 * ENOUGH, async () => {
    const answer = await fetch(`${url}inspect?mailbox=${mailbox}`, { headers: { connection: 'close' } });
    return (await answer.json()) as { pid: number; streams: string[] };
  });
  return new Set(looks.filter(({ streams }) => streams.length > 0).map(({ pid }) => pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function complaintsIn(stderr: string): number {
  return stderr.split('✗').length - 1;
}

test('Pages on different workers have the same mail, presence, typing, receipts and rooms', async () => {
  const { url } = await serveTogether();
  const [inRoom] = await pages(url, 'receiver=room.lobby&person=henry', 1);
  for (const person of ['mina', 'kim', 'yuna']) await pages(url, `receiver=room.lobby&person=${person}`, 1);
  const henrys = await pages(url, 'receiver=henry&with=jjeong');
  const jjeongs = await pages(url, 'receiver=jjeong&with=henry');

  expect((await holdersOf(url, 'henry')).size).toBe(WORKERS);
  await heardBy([inRoom!], 'the fourth in the room', /^presence .*"count":4/);
  await heardBy(henrys, 'presence', /^presence .*"jjeong","online":true/);
  await post(url, 'typing', { sender: 'jjeong', receiver: 'henry' });
  const accepted = await all(ENOUGH, () =>
    post(url, 'messages', { sender: 'jjeong', receiver: 'henry', message: 'hi' }),
  );
  const sent = (await Promise.all(accepted.map((answer) => answer.json()))) as { id: string }[];
  const ids = sent.map(({ id }) => id);
  await post(url, 'messages', { sender: 'jjeong', receiver: 'henry', message: 'last' });
  await post(url, 'receipts', { receiver: 'henry', sender: 'jjeong', delivered: ids[0], read: ids[0] });

  await heardBy(henrys, 'typing', /^typing .*"jjeong"/);
  await heardBy(jjeongs, 'what was sent elsewhere', /^sent .*"last"/);
  await heardBy(jjeongs, 'that it was read', /^read .*"henry"/);
  await heardBy(henrys, 'mail', /^message .*"last"/);
  for (const { heard } of henrys) {
    const messages = heard.filter(({ type }) => type === 'message');
    expect(messages.map(textOf)).toEqual([...ids.map(() => 'hi'), 'last']);
    expect(
      messages
        .slice(0, -1)
        .map(({ id }) => id)
        .toSorted(),
    ).toEqual(ids.toSorted());
  }
});

test.each(['SIGTERM to the primary', 'Ctrl+C, which all of them get'])(
  '%s says bye to all streams and ends all with 0, without a lock left; ready was said once',
  async (how) => {
    const cwd = temporaryDirectory();
    const server = await serveTogether([], cwd);
    const workers = childrenOf(server.pid);
    const streams = await all(ENOUGH, () => fetch(`${server.url}status?receiver=henry`));
    const sending = all(ENOUGH, () => post(server.url, 'messages', { sender: 'a', receiver: 'henry', message: 'x' }));
    const statuses = (await sending).map(({ status }) => status);

    if (how.startsWith('SIGTERM')) server.child.kill('SIGTERM');
    else process.kill(-server.pid, 'SIGINT');

    for (const stream of streams) expect(await stream.text()).toMatch(/event: bye\ndata: .*"shutdown"/);
    const { code, stdout } = await server.ended;
    expect(code).toBe(0);
    expect(stdout.split('\n')).toHaveLength(2);
    expect(JSON.parse(stdout)).toMatchObject({ workers: WORKERS, port: server.port, pid: server.child.pid });
    expect(workers).toHaveLength(WORKERS);
    expect(statuses).toEqual(statuses.map(() => 201));
    expect(workers.filter(isRunning)).toEqual([]);
    expect(readdirSync(join(cwd, 'mailboxes', '.locks'))).toEqual([]);
  },
);

test('When the primary is killed the workers say bye and end', async () => {
  const server = await serveTogether();
  const workers = childrenOf(server.pid);
  const streams = await all(ENOUGH, () => fetch(`${server.url}status?receiver=henry`));

  server.child.kill('SIGKILL');

  for (const stream of streams) expect(await stream.text()).toMatch(/event: bye/);
  await until('the workers end', () => !workers.some(isRunning));
});

test('A worker that is killed is replaced; pages and figures go on', async () => {
  const server = await serveTogether(['--metrics', '0']);
  const [victim, ...others] = childrenOf(server.pid);
  const accept = () => post(server.url, 'messages', { sender: 'jjeong', receiver: 'henry', message: 'x' });
  const appended = async (): Promise<unknown> =>
    (await scrape(server.metrics))['mailbox_chat_messages_appended_total{source="http"}'];
  const listeners = await pages(server.url, 'receiver=henry');
  await all(ENOUGH, accept);
  expect(await appended()).toBe(ENOUGH);

  process.kill(victim!, 'SIGKILL');
  const now = await until('another worker', () => {
    const children = childrenOf(server.pid);
    return children.length === WORKERS && !children.includes(victim!) && children;
  });
  const stillAppended = await appended();
  const pagesComeBack = until('all pages', async () => {
    const { mailbox_chat_open_streams: open } = await scrape(server.metrics);
    return open === listeners.length;
  });
  await pagesComeBack;
  await all(ENOUGH, accept);

  expect(now).toEqual(expect.arrayContaining(others));
  expect(stillAppended).toBe(ENOUGH);
  await until('what was accepted is counted', async () => (await appended()) === 2 * ENOUGH);
  await until('all mail', () =>
    listeners.every(({ heard }) => heard.filter(({ type }) => type === 'message').length >= 2 * ENOUGH),
  );
  for (const { heard } of listeners) {
    const ids = heard.filter(({ type }) => type === 'message').map(({ id }) => id);
    expect(ids).toHaveLength(new Set(ids).size);
  }
  await server.printed('stderr', /"ended":"SIGKILL".*another takes its place/);
});

test('When a worker fails at each start, that is the end of all, with the reason', async () => {
  const cwd = temporaryDirectory();
  const server = await serveTogether([], cwd);
  const [victim] = childrenOf(server.pid);

  renameSync(join(cwd, 'mailboxes'), join(cwd, 'away'));
  writeFileSync(join(cwd, 'mailboxes'), 'in its place');
  process.kill(victim!, 'SIGKILL');
  const { code, stderr } = await server.ended;

  expect(code).toBe(1);
  expect(stderr).toMatch(/Can't write to \.\/mailboxes/);
  expect(stderr).toMatch(/✗ A worker failed 5 times in a row soon after its start \(exit status 78\)\.\n.*\n$/);
});

test('What stands against a start is said once', async () => {
  const other = createServer();
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  afterThisTest(() => other.close());
  const { port } = other.address() as { port: number };
  const blocked = temporaryDirectory();
  writeFileSync(join(blocked, 'mailboxes'), 'in its place');

  const [taken, unusable, metricsTaken] = await Promise.all([
    run(['--workers', '2', '--port', `${port}`]),
    run(['--workers', '2', '--port', '0'], { cwd: blocked }),
    run(['--workers', '2', '--port', '0', '--metrics', `${port}`]),
  ]);

  expect(taken).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`Port ${port} is already in use`),
  });
  expect(unusable).toMatchObject({
    code: 78,
    stdout: '',
    stderr: expect.stringContaining("Can't write to ./mailboxes"),
  });
  expect(metricsTaken).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining(`Port ${port} is already`),
  });
  expect([taken, unusable, metricsTaken].map(({ stderr }) => complaintsIn(stderr))).toEqual([1, 1, 1]);
});

test('An invitation and its end are known to all workers, and a second server to be one too many', async () => {
  const cwd = temporaryDirectory();
  mkdirSync(join(cwd, 'mailboxes'));
  const { stdout } = await run(['invite', 'henry'], { cwd });
  const [, key = ''] = /#key=([\w-]+)/.exec(stdout) ?? [];
  const { url, port } = await serveTogether(['--access', 'links'], cwd);
  const ask = async (): Promise<number> => {
    const headers = { authorization: `Bearer ${key}`, connection: 'close' };
    return (await fetch(`${url}history?receiver=henry&sender=jjeong`, { headers })).status;
  };

  const before = await all(ENOUGH, ask);
  await run(['revoke', 'henry'], { cwd });
  const after = await all(ENOUGH, ask);
  const second = await run(['--workers', '2', '--port', `${port}`], { cwd });

  expect(new Set(before)).toEqual(new Set([200]));
  expect(new Set(after)).toEqual(new Set([401]));
  expect(second).toMatchObject({ code: 0, stderr: expect.stringContaining('already serving ./mailboxes there') });
});
