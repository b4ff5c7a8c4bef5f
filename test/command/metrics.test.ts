import { afterEach, describe, expect, test } from '@jest/globals';
import { appendFileSync, existsSync } from 'node:fs';
import { Agent, createServer, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterThisTest } from '../support/after-this-test.ts';
import { packageWithout } from '../support/built-package.ts';
import { listen, type Listener } from '../support/listener.ts';
import { readMetrics, scrape, type Metrics } from '../support/metrics.ts';
import { requires } from '../support/requires.ts';
import { inTime, until } from '../support/until.ts';
import { cleanUp, type Ready, run, type RunOptions, serve, temporaryDirectory } from './running.ts';

afterEach(cleanUp);

interface Metered extends Ready {
  readonly metrics: string;
  readonly where: string;
}

async function serveMetered(args: readonly string[] = [], options: RunOptions = {}): Promise<Metered> {
  const where = options.cwd ?? temporaryDirectory();
  const server = await serve(['--metrics', '0', '--send-rate', '0', ...args], { ...options, cwd: where });
  return Object.assign(server as unknown as Metered, { where: join(where, 'mailboxes') });
}

describe('Under a load', () => {
  const HTTP_MESSAGES = 10_000;
  const FOREIGN_MESSAGES = 200;
  const AT_ONCE = 64;
  const HERE = ['henry', 'mina', 'yuna', '정'];
  const AWAY = 'jjeong';

  test('the metrics agree with the counts of the clients', async () => {
    const server = await serveMetered();
    const early = await Promise.all(HERE.map((who) => listen(inbox(server, who))));

    const accepted = await sendAll(server, [...HERE, AWAY]);
    const foreign = appendAll(server, HERE);
    const refused = await Promise.all([
      fetch(`${server.url}messages`, { method: 'POST', body: new URLSearchParams({ sender: 'a' }) }),
      fetch(`${server.url}history?receiver=..`),
    ]);
    const toHear = accepted.byThoseHere + foreign;
    await allHeard(early, toHear);
    const lastId = early[0]!.heard.at(-1)!.id;
    const late = [
      await listen(inbox(server, HERE[0]!), { lastEventId: lastId }),
      await listen(inbox(server, HERE[0]!, `&lastEventId=${lastId}`)),
      await listen(inbox(server, HERE[0]!, '&since=all')),
      await listen(inbox(server, HERE[0]!), { lastEventId: 'never given' }),
    ];
    const kept = messagesOf(early[0]!);
    await allHeard(late, 2 * kept);
    early.pop()!.close();

    const open = early.length + late.length;
    await until('one stream less', async () => (await scrape(server.metrics))['mailbox_chat_open_streams'] === open);
    const metrics = await scrape(server.metrics);
    expect(accepted.inAll).toBe(HTTP_MESSAGES);
    expect(refused.map(({ status }) => status)).toEqual([400, 400]);
    expect(late.map((page) => page.heard.filter(({ type }) => type === 'gap').length)).toEqual([0, 0, 0, 1]);
    expect(metrics).toMatchObject({
      'mailbox_chat_messages_appended_total{source="http"}': accepted.inAll,
      'mailbox_chat_messages_appended_total{source="file"}': foreign,
      mailbox_chat_append_duration_seconds_count: accepted.inAll,
      'mailbox_chat_append_duration_seconds_bucket{le="+Inf"}': accepted.inAll,
      mailbox_chat_events_sent_total: toHear + 2 * kept,
      mailbox_chat_delivery_duration_seconds_count: toHear,
      'mailbox_chat_delivery_duration_seconds_bucket{le="+Inf"}': toHear,
      'mailbox_chat_resumes_total{result="hit"}': 2,
      'mailbox_chat_resumes_total{result="gap"}': 1,
      'mailbox_chat_request_errors_total{code="INVALID_MESSAGE"}': 1,
      'mailbox_chat_request_errors_total{code="INVALID_NAME"}': 1,
      mailbox_chat_slow_readers_closed_total: 0,
      mailbox_chat_watch_errors_total: 0,
    });
    for (const name of ['append', 'delivery']) expect(bucketsOf(name, metrics)).toEqual(rising(name, metrics));
    expect(metrics['mailbox_chat_append_duration_seconds_sum']).toBeGreaterThan(0);
  });

  interface Accepted {
    readonly inAll: number;
    readonly byThoseHere: number;
  }

  /** Posts many messages at once, to the servers in turn, and counts the answers with 201. */
  async function sendAll({ port }: Ready, receivers: readonly string[]): Promise<Accepted> {
    const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
    afterThisTest(() => agent.destroy());
    const accepted = { inAll: 0, byThoseHere: 0 };
    let next = 0;
    const sendSome = async (): Promise<void> => {
      while (next < HTTP_MESSAGES) {
        const receiver = receivers[next % receivers.length]!;
        const status = await post(agent, port, { sender: 'load', receiver, message: `number ${next++}` });
        if (status === 201) accepted.inAll += 1;
        if (status === 201 && receiver !== AWAY) accepted.byThoseHere += 1;
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, sendSome));
    return accepted;
  }

  function appendAll({ where }: Metered, receivers: readonly string[]): number {
    for (let i = 0; i < FOREIGN_MESSAGES; i += 1) {
      appendFileSync(join(where, `${receivers[i % receivers.length]}.txt`), `data: foreign ${i}\n\n`);
    }
    return FOREIGN_MESSAGES;
  }

  function allHeard(pages: readonly Listener[], count: number): Promise<boolean> {
    return until(`${count} messages`, () => pages.reduce((sum, page) => sum + messagesOf(page), 0) >= count);
  }
});

test('The metrics have their own port, which serves nothing else; the port of the chat has no metrics', async () => {
  const server = await serveMetered();

  const [chat, elsewhere, metrics] = await Promise.all(
    [`${server.url}metrics`, server.metrics.replace('/metrics', '/messages'), server.metrics].map((url) => fetch(url)),
  );

  expect([chat!.status, elsewhere!.status, metrics!.status]).toEqual([404, 404, 200]);
  expect(new URL(server.metrics)).toMatchObject({ hostname: 'localhost', pathname: '/metrics' });
  expect(readMetrics(await metrics!.text())).toMatchObject({
    process_resident_memory_bytes: expect.any(Number),
    nodejs_eventloop_lag_p99_seconds: expect.any(Number),
    mailbox_chat_open_streams: 0,
  });
});

test('A website whose name points at this computer does not get the metrics', async () => {
  const server = await serveMetered(['--allowed-host', 'prometheus.example']);

  const statuses = [];
  for (const host of ['evil.example', 'prometheus.example', 'localhost']) {
    statuses.push(await statusFor(host, server.metrics));
  }

  expect(statuses).toEqual([403, 200, 200]);
});

test('Without --metrics only the port of the chat is open', async () => {
  const server = await serve();

  expect(server).not.toHaveProperty('metrics');
});

test('A taken metrics port ends the command and names the flag that helps', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  afterThisTest(() => other.close());
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;

  const { code, stderr } = await run(['--port', '0', '--metrics', `127.0.0.1:${port}`]);

  expect(code).toBe(1);
  expect(stderr).toContain(`Port ${port} is already in use`);
  expect(stderr).toContain(`mailbox-chat --metrics ${port < 65_535 ? port + 1 : port - 1}`);
});

test('Without prom-client the command ends before it makes anything, and says what to install', async () => {
  const bin = join(packageWithout('prom-client'), 'bin/mailbox-chat.cjs');
  const cwd = temporaryDirectory();

  const { code, stderr } = await run(['--port', '0', '--metrics', '0'], { bin, cwd });

  expect(code).toBe(78);
  expect(stderr).toContain('npm install prom-client');
  expect(existsSync(join(cwd, 'mailboxes'))).toBe(false);
});

test('A scraper that keeps its connection does not delay the end', async () => {
  const server = await serve(['--metrics', '0']);
  const { port } = new URL((server as unknown as Metered).metrics);
  const scraper = connect(Number(port), '127.0.0.1');
  afterThisTest(() => scraper.destroy());
  scraper.write('GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await once(scraper, 'data');

  server.child.kill('SIGTERM');

  expect((await inTime('the end', server.ended)).code).toBe(0);
});

requires('strace')('Counts files that cannot be watched, and still delivers their mail', async () => {
  const through = ['strace', '-f', '-qq', '-o', '/dev/null', '-e', 'inject=inotify_add_watch:error=ENOSPC'];
  const server = await serveMetered([], { through });
  const errors = async (): Promise<number> => (await scrape(server.metrics))['mailbox_chat_watch_errors_total']!;
  const atStart = await until('the watch that every server has', errors);

  const page = await listen(inbox(server, 'henry'));

  appendFileSync(join(server.where, 'henry.txt'), 'data: hi\n\n');
  await page.textsUpTo('hi');

  await until('the watch of the mailbox to be counted', async () => (await errors()) > atStart);
  expect(await scrape(server.metrics)).toMatchObject({ 'mailbox_chat_messages_appended_total{source="file"}': 1 });
});

function inbox({ url }: Ready, who: string, query = ''): string {
  return `${url}status?receiver=${encodeURIComponent(who)}${query}`;
}

function messagesOf(page: Listener): number {
  return page.heard.filter(({ type }) => type === 'message').length;
}

function post(agent: Agent, port: number, message: object): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json' };
    const asking = request({ agent, host: '127.0.0.1', port, path: '/messages', method: 'POST', headers }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode));
    });
    asking.on('error', reject).end(JSON.stringify(message));
  });
}

/** A request with its own Host header, which fetch does not allow. */
function statusFor(host: string, url: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
}

function bucketsOf(name: string, metrics: Metrics): number[] {
  const bucket = `mailbox_chat_${name}_duration_seconds_bucket`;
  return Object.entries(metrics).flatMap(([sample, count]) => (sample.startsWith(bucket) ? [count] : []));
}

function rising(name: string, metrics: Metrics): number[] {
  return bucketsOf(name, metrics).toSorted((a, b) => a - b);
}
