import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { JetStreamMailboxes, type JetStreamMailboxesOptions } from '../../src/jetstream/index.ts';
import { cleanUp, run } from '../command/running.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { buildPackage } from '../support/built-package.ts';
import { NatsServer } from '../support/nats-server.ts';

let careful: NatsServer;
let hasty: NatsServer;

beforeAll(async () => {
  buildPackage();
  [careful, hasty] = await Promise.all([NatsServer.start(), NatsServer.start({ sync: '2m' })]);
});
afterAll(() => Promise.all([careful.stop(), hasty.stop()]));

/** Options that open mailboxes on one server. A test may change some. */
function wanted(server: NatsServer, but: Partial<JetStreamMailboxesOptions> = {}): JetStreamMailboxesOptions {
  const prefix = `T${randomUUID().slice(0, 8)}`;
  const { url: servers, monitor } = server;
  return { servers, prefix, shards: 1, replicas: 1, monitors: [monitor], allow: ['fewer-replicas'], ...but };
}

async function open(options: JetStreamMailboxesOptions): Promise<JetStreamMailboxes> {
  const store = await JetStreamMailboxes.open(options);
  afterThisTest(() => store.close());
  return store;
}

/** The message with which opening fails. */
async function refusal(options: JetStreamMailboxesOptions): Promise<string> {
  const error: unknown = await open(options).then(
    () => 'opened',
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: 'STORE_FAILED' });
  return (error as Error).message;
}

/** A proxy that makes the server seem to have another version. */
async function disguised({ url }: NatsServer, version: string): Promise<string> {
  const { hostname, port } = new URL(url);
  const proxy = createServer((client) => {
    const server = connect(Number(port), hostname);
    for (const socket of [client, server]) socket.on('error', () => socket.destroy());
    client.pipe(server);
    server.on('data', (chunk: Buffer) => {
      // Each frame begins with its length, so the number of bytes must stay the same.
      const text = chunk.toString('latin1');
      client.write(
        Buffer.from(
          text.replaceAll(/("ver(?:sion)?":")([\d.]+)"/g, (_, name: string, is: string) => {
            return `${name}${version.padEnd(is.length, '0').slice(0, is.length)}"`;
          }),
          'latin1',
        ),
      );
    });
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  afterThisTest(() => proxy.close());
  return `nats://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
}

describe('mailboxes on NATS are refused, with the reason,', () => {
  test('on a server that acknowledges before it writes to the disk, unless that is allowed', async () => {
    const options = wanted(hasty);

    expect(await refusal(options)).toMatch(/sync_interval: always.*late-sync/);
    await open({ ...options, allow: ['fewer-replicas', 'late-sync'] });
  });

  test('if we cannot check that servers write before they acknowledge, unless that is allowed', async () => {
    const options = wanted(careful, { monitors: [] });

    expect(await refusal(options)).toMatch(/cannot check.*unchecked-sync/);
    await open({ ...options, allow: ['fewer-replicas', 'unchecked-sync'] });
  });

  test('if the monitoring address is that of another server', async () => {
    expect(await refusal(wanted(careful, { monitors: [hasty.monitor] }))).toMatch(/late-sync/);
    expect(await refusal(wanted(hasty, { monitors: [careful.monitor] }))).toMatch(/no monitoring address.*n1/);
  });

  test('with fewer than three copies, unless that is allowed', async () => {
    expect(await refusal(wanted(careful, { allow: [] }))).toMatch(/One copy.*fewer-replicas/);
    expect(await refusal(wanted(careful, { allow: [], replicas: 2 }))).toMatch(/2 copies.*fewer-replicas/);
  });

  test('when existing streams have fewer than three copies', async () => {
    const options = wanted(careful);
    await open(options);

    expect(await refusal({ ...options, replicas: 3, allow: [] })).toMatch(/One copy.*fewer-replicas/);
  });

  test.each(['2.11.9', '2.12.2'])('on a server of version %s, unless that is allowed', async (version) => {
    const options = wanted(careful, { servers: await disguised(careful, version) });

    expect(await refusal(options)).toMatch(/before 2\.12\.3.*old-server/);
    await open({ ...options, allow: ['fewer-replicas', 'old-server'] });
  });

  test('with another number of shards than they were made with: mailboxes would seem empty', async () => {
    const options = wanted(careful);
    await open(options);

    expect(await refusal({ ...options, shards: 2 })).toMatch(/made with shards=1, and that cannot change to 2/);
  });

  test('when no server answers', async () => {
    expect(await refusal(wanted(careful, { servers: 'nats://user:secret@127.0.0.1:1' }))).toMatch(
      /^No NATS server of nats:\/\/127\.0\.0\.1:1 can be used/,
    );
  });

  test('by the command too, which names the parameter and exits with code 78', async () => {
    afterThisTest(cleanUp);

    const { code, stderr } = await run(['--store', careful.url, '--port', '0']);

    expect(code).toBe(78);
    expect(stderr).toMatch(/could lose accepted mail.*unchecked-sync/);
    expect(stderr).toMatch(/--store .*allow=/);
  });
});
