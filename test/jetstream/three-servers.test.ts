import { afterAll, beforeAll, jest } from '@jest/globals';
import { describeMailboxStore } from '../store/describe-mailbox-store.ts';
import { NatsCluster } from './kit/nats-cluster.ts';
import { ABILITIES_ON_NATS, placeOnNats } from './kit/place.ts';

jest.setTimeout(60_000);
let cluster: NatsCluster;
beforeAll(async () => {
  cluster = await NatsCluster.start();
});
afterAll(() => cluster.stop());

describeMailboxStore(
  'JetStreamMailboxes on three servers',
  () =>
    placeOnNats({
      servers: cluster.nodes.map(({ port }) => `127.0.0.1:${port}`),
      shards: 1,
      monitors: cluster.nodes.map(({ monitor }) => monitor),
    }),
  ABILITIES_ON_NATS,
);
