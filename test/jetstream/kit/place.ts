import { randomUUID } from 'node:crypto';
import { JetStreamMailboxes } from '../../../src/jetstream/index.ts';
import type { Ability, OpenStore } from '../../store/contract/open-store.ts';

type Options = Parameters<typeof JetStreamMailboxes.open>[0];

export const ABILITIES_ON_NATS: readonly Ability[] = ['several processes', 'live', 'forget'];

/** Separate streams for one test of the contract, and the stores that it opens on them. */
export async function placeOnNats(options: Options): Promise<OpenStore> {
  const prefix = `T${randomUUID().slice(0, 8)}`;
  const stores: JetStreamMailboxes[] = [];
  const another = async (): Promise<JetStreamMailboxes> => {
    const store = await JetStreamMailboxes.open({ ...options, prefix });
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
}
