import { describe, expect, test } from '@jest/globals';
import { Follow, type Mail } from '../../src/words/follow.ts';
import type { Batch, MailboxStore } from '../../src/words/mailbox-store.ts';
import { henry } from '../support/store-mail.ts';
import { until } from '../support/until.ts';

/** A mailbox of numbered events. Those before `oldest` are no longer kept. */
class NumberedStore {
  newest = 0;
  oldest = 0;
  reads = 0;
  watchers = new Set<() => void>();
  failure: Error | undefined;

  read(_mailbox: string, after = '0', limit = 2): Promise<Batch> {
    this.reads += 1;
    if (this.failure) return Promise.reject(this.failure);
    if (Number(after) < this.oldest) return Promise.resolve({ events: [], gap: true });
    const count = Math.min(limit, this.newest - Number(after));
    const ids = Array.from({ length: count }, (_, i) => String(Number(after) + 1 + i));
    return Promise.resolve({ events: ids.map((id) => ({ id, time: 0, data: id })), gap: false });
  }

  ends(): Promise<{ oldest: string; newest: string }> {
    return Promise.resolve({ oldest: String(this.oldest), newest: String(this.newest) });
  }

  watch(_mailbox: string, ring: () => void): Promise<() => void> {
    if (this.failure) return Promise.reject(this.failure);
    this.watchers.add(ring);
    return Promise.resolve(() => this.watchers.delete(ring));
  }

  grow(count = 1): void {
    this.newest += count;
    for (const ring of this.watchers) ring();
  }
}

/** Follows from the beginning. `slow`: each take lasts until the test ends it. */
function followed(store: NumberedStore, { slow = false } = {}) {
  const taken: string[] = [];
  const ends: unknown[] = [];
  let letGo: () => void = () => undefined;
  const follower = {
    take({ gap, events }: Mail): Promise<void> | void {
      if (gap) taken.push(`gap ${gap.after}-${gap.oldest}`);
      taken.push(...events.map(({ id }) => id));
      if (slow) return new Promise((resolve) => (letGo = resolve));
    },
    over: (error?: unknown) => void ends.push(error),
  };
  const follow = new Follow('0', henry, store as unknown as MailboxStore, follower);
  return { follow, taken, ends, letGo: () => letGo() };
}

describe('a follow', () => {
  test('brings waiting mail, then new mail, once and in order', async () => {
    const store = new NumberedStore();
    store.newest = 5;
    const { follow, taken } = followed(store);

    await follow.begin();
    store.grow();
    store.grow(2);

    await until('all of it', () => taken.length >= 8);
    expect(taken).toEqual(['1', '2', '3', '4', '5', '6', '7', '8']);
  });

  test('reads nothing while its follower is busy, then what came meanwhile', async () => {
    const store = new NumberedStore();
    store.newest = 2;
    const { follow, taken, letGo } = followed(store, { slow: true });
    await follow.begin();
    await until('the first events', () => taken.length === 2);
    const { reads } = store;

    store.grow();
    await new Promise(setImmediate);
    expect(store.reads).toBe(reads);
    letGo();

    await until('the next', () => taken.length === 3);
  });

  test('reports a gap once, before the mail that is still kept', async () => {
    const store = new NumberedStore();
    store.newest = 5;
    store.oldest = 3;
    const { follow, taken } = followed(store);

    await follow.begin();

    await until('the events', () => taken.length >= 3);
    expect(taken).toEqual(['gap 0-3', '4', '5']);
  });

  test('that is stopped finishes the mail it is taking, takes no more, and ends once', async () => {
    const store = new NumberedStore();
    store.newest = 4;
    const { follow, taken, ends, letGo } = followed(store, { slow: true });
    await follow.begin();
    await until('the first events', () => taken.length === 2);

    follow.stop();
    follow.stop();
    expect(ends).toHaveLength(0);
    letGo();

    await until('the end', () => ends.length > 0);
    expect({ taken, ends, watchers: store.watchers.size }).toStrictEqual({
      taken: ['1', '2'],
      ends: [undefined],
      watchers: 0,
    });
  });

  test('that is stopped before it begins reads nothing and watches nothing', async () => {
    const store = new NumberedStore();
    const { follow, ends } = followed(store);

    follow.stop();
    await follow.begin();

    expect({ ends, reads: store.reads, watchers: store.watchers.size }).toStrictEqual({
      ends: [undefined],
      reads: 0,
      watchers: 0,
    });
  });

  test('ends with the error when reading fails, and stops watching', async () => {
    const store = new NumberedStore();
    const { follow, ends } = followed(store);
    await follow.begin();

    store.failure = new Error('the disk is gone');
    store.grow();

    await until('the end', () => ends.length > 0);
    expect({ ends, watchers: store.watchers.size }).toStrictEqual({ ends: [store.failure], watchers: 0 });
  });

  test('ends once with the error when the mailbox can be neither watched nor read', async () => {
    const store = new NumberedStore();
    store.failure = new Error('closed');
    const { follow, ends } = followed(store);

    await follow.begin();
    await new Promise(setImmediate);

    expect(ends).toStrictEqual([store.failure]);
  });
});
