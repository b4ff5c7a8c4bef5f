import { afterAll, beforeAll, jest } from '@jest/globals';
import { describeMailboxStore } from '../store/describe-mailbox-store.ts';
import { NatsServer } from '../support/nats-server.ts';
import { ABILITIES_ON_NATS, placeOnNats } from './kit/place.ts';

jest.setTimeout(30_000);

let server: NatsServer;
beforeAll(async () => {
  server = await NatsServer.start();
});
afterAll(() => server.stop());

describeMailboxStore(
  'JetStreamMailboxes',
  () =>
    placeOnNats({
      servers: server.url,
      shards: 2,
      replicas: 1,
      monitors: [server.monitor],
      allow: ['fewer-replicas'],
    }),
  ABILITIES_ON_NATS,
);
