import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { JetStreamMailboxes } from '../../src/jetstream/index.ts';
import { mailboxName } from '../../src/words/mailbox-name.ts';
import type { MailEvent, Message } from '../../src/words/mailbox-store.ts';
import { cleanUp, run } from '../command/running.ts';
import { afterThisTest } from '../support/after-this-test.ts';
import { buildPackage } from '../support/built-package.ts';
import { temporaryDirectory } from '../support/directory.ts';
import { NatsServer } from '../support/nats-server.ts';
import { requires } from '../support/requires.ts';
import { foreignIn, serviceDirectoryIn } from '../support/service-directory.ts';
import { appendAll, henry, jjeong, letter, mina, numbered, readAll, textsOf } from '../support/store-mail.ts';

let server: NatsServer;
beforeAll(async () => {
  buildPackage();
  server = await NatsServer.start();
});
afterAll(() => server.stop());

interface Move {
  readonly dir: string;
  /** Runs the command and resolves to its output for each mailbox. */
  readonly migrate: () => Promise<{ mailbox: string; copied: number; before: number }[]>;
  readonly cluster: () => Promise<JetStreamMailboxes>;
}

function move(dir = temporaryDirectory()): Move {
  const prefix = `T${randomUUID().slice(0, 8)}`;
  const where = `${server.url}?monitor=${server.monitor}&prefix=${prefix}&shards=1&replicas=1&allow=fewer-replicas`;
  afterThisTest(cleanUp);
  return {
    dir,
    async migrate() {
      const { code, stdout, stderr } = await run(['migrate', '--store', where, '--dir', dir]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
      const lines = stdout.split('\n').filter(Boolean);
      return lines.map((line) => JSON.parse(line) as Awaited<ReturnType<Move['migrate']>>[number]);
    },
    async cluster() {
      const { url: servers, monitor } = server;
      const allow = ['fewer-replicas'] as const;
      const store = await JetStreamMailboxes.open({
        servers,
        prefix,
        shards: 1,
        replicas: 1,
        monitors: [monitor],
        allow,
      });
      afterThisTest(() => store.close());
      return store;
    },
  };
}

function files(dir: string): FileMailboxes {
  const store = new FileMailboxes(dir, { watch: false });
  afterThisTest(() => store.close());
  return store;
}

describe('migrate', () => {
  test('copies all mail in order, with its times, and the marks', async () => {
    const { dir, migrate, cluster } = move();
    const room = mailboxName('room.lobby');
    const before = files(dir);
    const events = await appendAll(before, numbered('message', 5));
    await before.mark(henry, 'delivered', events[3]!.id);
    await before.mark(henry, 'read:jjeong', events[1]!.id);
    await before.append(room, letter('hello all', { receiver: room }));
    await before.close();
    appendFileSync(join(dir, 'henry.txt'), 'event: weather\ndata: from a shell\ndata: 비\n\n');
    appendFileSync(join(dir, 'mina.txt'), 'data: only waiting\n\n');

    const said = await migrate();

    const after = await cluster();
    const moved = await readAll(after);
    expect(textsOf(moved)).toEqual([...numbered('message', 5), 'from a shell\n비']);
    expect(moved.slice(0, 5).map(({ time, data }) => ({ time, data }))).toEqual(
      events.map(({ time, data }) => ({ time, data })),
    );
    expect(moved[5]).toMatchObject({ type: 'weather' });
    expect(await after.marks(henry)).toEqual({ delivered: moved[3]!.id, 'read:jjeong': moved[1]!.id });
    expect(textsOf(await readAll(after, mina))).toEqual(['only waiting']);
    expect(textsOf(await readAll(after, room))).toEqual(['hello all']);
    expect(said.toSorted((a, b) => (a.mailbox < b.mailbox ? -1 : 1))).toEqual([
      { mailbox: 'henry', copied: 6, before: 0 },
      { mailbox: 'mina', copied: 1, before: 0 },
      { mailbox: 'room.lobby', copied: 1, before: 0 },
    ]);
  });

  test('copies only new mail when it runs again', async () => {
    const { dir, migrate, cluster } = move();
    const store = files(dir);
    const first = await appendAll(store, numbered('first', 3));
    await migrate();
    const after = await cluster();
    await after.append(henry, letter('said in the cluster'));
    await appendAll(store, numbered('later', 2));
    await store.mark(henry, 'delivered', first[2]!.id);
    await store.close();

    expect(await migrate()).toEqual([{ mailbox: 'henry', copied: 2, before: 3 }]);
    expect(await migrate()).toEqual([{ mailbox: 'henry', copied: 0, before: 5 }]);

    const moved = await readAll(after);
    expect(textsOf(moved)).toEqual([...numbered('first', 3), 'said in the cluster', ...numbered('later', 2)]);
    expect(await after.marks(henry)).toEqual({ delivered: moved[2]!.id });
  });

  test('keeps replies and changes with their messages, also if it runs again in between', async () => {
    const { dir, migrate, cluster } = move();
    const store = files(dir);
    const say = async (message: string, but: Partial<Message> = {}): Promise<string> => {
      const sent = letter(message, but);
      return (await store.append(sent.receiver, sent)).event.id;
    };
    const asked = await say('asked', { sender: henry, receiver: jjeong });
    const first = await say('first', { replyTo: asked });
    await say('', { type: 'react', of: asked, emoji: '👍' });
    await migrate();
    await say('edited', { type: 'edit', of: first });
    await say('', { type: 'react', of: first, emoji: '🎉', sender: henry, receiver: jjeong });
    await store.close();
    appendFileSync(
      join(dir, 'jjeong.txt'),
      `data: {"sender":"php","message":"hi","replyTo":"${asked}","time":"","key":"k"}\n\n`,
    );

    await migrate();

    const after = await cluster();
    const [question, reaction, fromPhp] = await readAll(after, jjeong);
    const [answer, thumb, edit] = await readAll(after);
    const named = ({ data }: MailEvent): unknown => {
      const { of, replyTo } = JSON.parse(data) as Record<string, unknown>;
      return of ?? replyTo;
    };
    expect([answer!, thumb!, fromPhp!].map(named)).toEqual(Array(3).fill(question!.id));
    expect([edit!, reaction!].map(named)).toEqual(Array(2).fill(answer!.id));
  });

  requires('root')('makes nothing of its own in the directory of a service, when root runs it', async () => {
    const { dir, migrate } = move(serviceDirectoryIn(temporaryDirectory()));
    await run(['send', '--new', 'henry', 'hi', '--as', 'jjeong', '--dir', dir]);

    expect(await migrate()).toEqual([{ mailbox: 'henry', copied: 1, before: 0 }]);

    expect(foreignIn(dir)).toEqual([]);
  });

  test('says which mailbox could not be copied, and copies the others', async () => {
    const { dir, migrate, cluster } = move();
    appendFileSync(join(dir, 'henry.txt'), `data: ${'x'.repeat(1024 * 1024 - 100)}\n\n`);
    appendFileSync(join(dir, 'mina.txt'), 'data: short\n\n');

    await expect(migrate()).rejects.toThrow(/henry could not be copied.*max_payload/);

    expect(textsOf(await readAll(await cluster(), mina))).toEqual(['short']);
  });

  test('asks for a cluster if none is named', async () => {
    const { dir } = move();

    const { code, stderr } = await run(['migrate', '--dir', dir]);

    expect(code).toBe(2);
    expect(stderr).toContain('--store');
  });
});
