import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, jest } from '@jest/globals';
import { JetStreamMailboxes } from '../../src/jetstream/index.ts';
import { describeMailboxStore } from '../store/describe-mailbox-store.ts';
import { NatsServer } from '../support/nats-server.ts';

jest.setTimeout(30_000);

let server: NatsServer;
beforeAll(async () => {
  server = await NatsServer.start();
});
afterAll(() => server.stop());

describeMailboxStore('JetStreamMailboxes', async () => {
  const prefix = `T${randomUUID().slice(0, 8)}`;
  const stores: JetStreamMailboxes[] = [];
  const another = async (): Promise<JetStreamMailboxes> => {
    const store = await JetStreamMailboxes.open({
      servers: server.url,
      prefix,
      shards: 2,
      replicas: 1,
      monitors: [server.monitor],
      allow: ['fewer-replicas'],
    });
    stores.push(store);
    return store;
  };
  const store = await another();
  return {
    store,
    another,
    async reopen() {
      await store.close();
      return another();
    },
    async remove() {
      await Promise.all(stores.map((one) => one.close()));
    },
  };
});
