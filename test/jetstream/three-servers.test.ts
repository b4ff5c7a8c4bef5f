import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, jest } from '@jest/globals';
import { JetStreamMailboxes } from '../../src/jetstream/index.ts';
import { describeMailboxStore } from '../store/describe-mailbox-store.ts';
import { NatsCluster } from './kit/nats-cluster.ts';

jest.setTimeout(60_000);
let cluster: NatsCluster;
beforeAll(async () => {
  cluster = await NatsCluster.start();
});
afterAll(() => cluster.stop());

describeMailboxStore('JetStreamMailboxes on three servers', async () => {
  const prefix = `T${randomUUID().slice(0, 8)}`;
  const stores: JetStreamMailboxes[] = [];
  const another = async (): Promise<JetStreamMailboxes> => {
    const store = await JetStreamMailboxes.open({
      servers: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`),
      prefix,
      shards: 1,
      monitors: cluster.nodes.map(({ monitor }) => monitor),
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
