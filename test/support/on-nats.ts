/** Imported before tests, this makes their chats keep their mail on one NATS server. */
import { createHash } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { JetStreamMailboxes } from '../../src/jetstream/index.ts';
import { keepMailIn } from './mail-place.ts';
import { NatsServer } from './nats-server.ts';

let server: NatsServer;
beforeAll(async () => {
  server = await NatsServer.start();
});
afterAll(() => server.stop());

keepMailIn({
  open: (dir) =>
    JetStreamMailboxes.open({
      servers: server.url,
      prefix: prefixOf(dir),
      shards: 2,
      replicas: 1,
      monitors: [server.monitor],
      allow: ['fewer-replicas'],
    }),
  flags: (dir) => [
    '--store',
    `${server.url}?monitor=${server.monitor}&prefix=${prefixOf(dir)}&shards=2&replicas=1&allow=fewer-replicas`,
  ],
});

function prefixOf(dir: string): string {
  return `T${createHash('sha256').update(dir).digest('hex').slice(0, 16)}`;
}
