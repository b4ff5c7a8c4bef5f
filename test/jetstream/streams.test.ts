import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, headers } from '@nats-io/transport-node';
import { JetStreamMailboxes, type JetStreamMailboxesOptions } from '../../src/jetstream/index.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import type { MailEvent } from '../../src/words/mailbox-store.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { NatsServer } from '../support/nats-server.ts';
import { Listener, appendAll, henry, letter, numbered, readAll, textsOf } from '../support/store-mail.ts';
import { inTime } from '../support/until.ts';
import { HintDropper } from './kit/hint-dropper.ts';

let server: NatsServer;
beforeAll(async () => {
  server = await NatsServer.start();
});
afterAll(() => server.stop());

function options(but: Partial<JetStreamMailboxesOptions> = {}): JetStreamMailboxesOptions & { prefix: string } {
  const { url: servers, monitor } = server;
  const prefix = `T${randomUUID().slice(0, 8)}`;
  return { servers, prefix, shards: 1, replicas: 1, monitors: [monitor], allow: ['fewer-replicas'], ...but };
}

async function open(how: JetStreamMailboxesOptions = options()): Promise<JetStreamMailboxes> {
  const store = await JetStreamMailboxes.open(how);
  afterThisTest(() => store.close());
  return store;
}

describe('what a stream keeps', () => {
  test('is the newest messages of each mailbox: an older cursor gets a gap, and the rest can be read', async () => {
    const store = await open(options({ keepMessages: 3 }));
    const empty = await store.ends(henry);
    const events = await appendAll(store, numbered('message', 5));
    const { oldest } = await store.ends(henry);

    for (const lost of [empty.newest, events[0]!.id, events[1]!.id]) {
      expect(await store.read(henry, lost)).toEqual({ events: [], gap: true });
    }
    expect(await store.read(henry, events[2]!.id)).toEqual({ events: events.slice(3), gap: false });
    expect(await store.read(henry, oldest)).toEqual({ events: events.slice(2), gap: false });
    expect(await store.read(henry)).toEqual({ events: events.slice(2), gap: false });
    expect(await store.readBack(henry)).toEqual({ events: events.slice(2).toReversed() });
  });

  test('gives a gap to a cursor that was its beginning once', async () => {
    const store = await open(options({ keepMessages: 3 }));
    await appendAll(store, numbered('early', 2));
    const { oldest } = await store.ends(henry);

    await appendAll(store, numbered('late', 4));

    expect(await store.read(henry, oldest)).toEqual({ events: [], gap: true });
  });

  test('is not confused with mail of deleted streams of the same name', async () => {
    const how = options();
    const before = await open(how);
    const events = await appendAll(before, numbered('before', 3));
    const nc = await connect({ servers: server.url });
    afterThisTest(() => nc.close());
    const { streams } = await jetstreamManager(nc);
    await Promise.all(['MAIL', 'MARKS'].map((kind) => streams.delete(`${how.prefix}_${kind}_0`)));
    const after = await open(how);
    const [first] = await appendAll(after, numbered('after', 5));

    expect(after.compare(events[2]!.id, first!.id)).toBeLessThan(0);
    for (const { id } of events) expect(await after.read(henry, id)).toEqual({ events: [], gap: true });
    expect(textsOf(await readAll(after))).toEqual(numbered('after', 5));
  });
});

describe('what others publish under our subjects', () => {
  test('is foreign mail, whatever is in it', async () => {
    const how = options();
    const store = await open(how);
    const nc = await connect({ servers: server.url });
    afterThisTest(() => nc.close());
    const subject = `${how.prefix}.mail.0.${Buffer.from('henry').toString('base64url')}`;
    const before = Date.now();

    await nc.request(subject, 'one\r\ntwo\rid: 9-9\n\rdata: forged');
    const named = (type: string) => {
      const names = headers();
      names.set('Mailbox-Type', type);
      return { headers: names, timeout: 1000 };
    };
    await nc.request(subject, '', named('bye'));
    await nc.request(subject, 'rain', named('weather'));
    await store.append(henry, letter('ours'));

    const events = await readAll(store);
    expect(textsOf(events)).toEqual(['one\ntwo\nid: 9-9\n\ndata: forged', '', 'rain', 'ours']);
    expect(events.map(({ type }) => type)).toEqual([undefined, undefined, 'weather', undefined]);
    for (const { time } of events) expect(time).toBeGreaterThanOrEqual(before);
    expect((await store.readBack(henry)).events).toEqual(events.toReversed());
  });

  test('is read to its end, even if each message is as long as the servers accept', async () => {
    const how = options();
    const store = await open(how);
    const nc = await connect({ servers: server.url });
    afterThisTest(() => nc.close());
    const length = nc.info!.max_payload;

    const subject = `${how.prefix}.mail.0.${Buffer.from('henry').toString('base64url')}`;
    for (const sign of ['a', 'b', 'c']) await nc.request(subject, sign.repeat(length));

    const texts = textsOf(await readAll(store));
    expect(texts.map((text) => [text[0], text.length])).toEqual([
      ['a', length],
      ['b', length],
      ['c', length],
    ]);
  });
});

describe('streams that several servers create at once', () => {
  test('are created only once', async () => {
    const how = options({ shards: 4 });

    const stores = await Promise.all([open(how), open(how), open(how)]);
    for (const store of stores) await store.append(henry, letter('hi'));

    for (const store of stores) expect(await readAll(store)).toHaveLength(3);
  });
});

test('no message has the id of one in another stream', async () => {
  const store = await open(options({ shards: 8 }));
  const people = Array.from({ length: 8 }, (_, i) => mailboxName(`person-${i}`));

  const sent = await Promise.all(people.map((receiver) => store.append(receiver, letter('hi', { receiver }))));

  expect(new Set(sent.map(({ event }) => event.id)).size).toBe(people.length);
});

describe('a mailbox among many in one stream', () => {
  test('is read back in pages, wherever its messages are', async () => {
    const store = await open();
    const crowd = mailboxName('crowd');
    const events: MailEvent[] = [];
    const noise = (count: number) =>
      Promise.all(
        Array.from({ length: count }, (_, i) =>
          store.append(crowd, letter(`${i}`, { sender: mailboxName(`one-${i % 50}`), receiver: crowd })),
        ),
      );
    for (const many of [1, 400, 0, 30, 0]) {
      events.push(...(await appendAll(store, numbered(`after ${many}`, many === 0 ? 60 : 3))));
      await noise(many);
    }

    for (const limit of [4, 50]) {
      const pages: MailEvent[] = [];
      for (let before: string | undefined; ;) {
        const page = await store.readBack(henry, before, limit);
        expect(page.events.length).toBeGreaterThan(0);
        pages.push(...page.events);
        if (page.more === undefined) break;
        before = page.more;
      }
      expect(pages).toEqual(events.toReversed());
    }
  });
});

describe('when hints are lost', () => {
  test('mail that came in the meantime is found when the connection is back', async () => {
    const how = options();
    const dropper = await HintDropper.before(Number(new URL(server.url).port), /\.hint\./, () => true);
    afterThisTest(() => dropper.close());
    const deaf = await open({ ...how, servers: `nats://127.0.0.1:${dropper.port}` });
    const other = await open(how);
    const listener = await Listener.open(deaf);
    expect((await deaf.read(henry)).events).toEqual([]);

    const settled = listener.ring();
    await other.append(henry, letter('first'));
    await inTime('the look that follows a subscription', settled);
    const reconnected = listener.ring();
    await other.append(henry, letter('second'));
    dropper.cut();
    await inTime('the look that follows a reconnection', reconnected);

    expect(textsOf(await listener.take(2))).toEqual(['first', 'second']);
    expect(dropper.dropped).toBeGreaterThan(0);
  });
});

describe('while no server answers', () => {
  test('an append waits, and is stored once when they are back', async () => {
    const store = await open();
    await store.append(henry, letter('before'));
    const onlooker = await connect({ servers: server.url });
    afterThisTest(() => onlooker.close());
    afterThisTest(() => server.thaw());
    await server.freeze();
    const message = letter('meanwhile');
    const appending = store.append(henry, message);
    const nobody = onlooker.request('$JS.API.INFO', undefined, { timeout: 2500 }); // longer than one attempt takes
    await expect(nobody).rejects.toThrow(/timeout/i);

    server.thaw();

    expect((await appending).repeated).toBe(false);
    expect((await store.append(henry, message)).repeated).toBe(true);
    expect(textsOf(await readAll(store))).toEqual(['before', 'meanwhile']);
  });

  test('an append eventually fails with an error that allows a retry, and closing does not hang', async () => {
    const store = await open(options({ appendWithinMs: 100 }));
    const { event } = await store.append(henry, letter('before'));
    afterThisTest(() => server.thaw());
    await server.freeze();

    await expect(store.append(henry, letter('in vain'))).rejects.toMatchObject({ code: 'MAILBOX_BUSY' });
    await store.mark(henry, 'delivered', event.id);

    await inTime('closing', store.close(), 5000);
  });
});
