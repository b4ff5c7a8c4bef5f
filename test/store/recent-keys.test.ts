import { describe, expect, test } from '@jest/globals';
import { RecentKeys } from '../../src/files/recent-keys.ts';

const NOW = Date.UTC(2026, 10, 20);
const COUNT = 50_000;
const MINUTE_MS = 60 * 1000;
const DAY_MS = 24 * 60 * MINUTE_MS;

/** The keys of so many events, one every `everyMs`, the last one now. */
function remembered(everyMs: number): (i: number) => string | undefined {
  const keys = new RecentKeys();
  for (let i = 0; i < COUNT; i += 1)
    keys.set(`k${i}`, `${NOW - (COUNT - 1 - i) * everyMs}-0`, NOW - (COUNT - 1 - i) * everyMs);
  return (i) => keys.get(`k${i}`, NOW);
}

const indices = Array.from({ length: COUNT }, (_, i) => i);

describe('recent keys', () => {
  test.each([
    ['seldom', 200],
    ['often', 10],
    ['very often', 1],
  ])('are those of the newest 10,000 events and of the last two minutes, if they come %s', (_, everyMs) => {
    const idOf = remembered(everyMs);

    const mustBeKnown = indices.filter((i) => i >= COUNT - 10_000 || (COUNT - 1 - i) * everyMs <= 2 * MINUTE_MS);
    expect(mustBeKnown.filter((i) => idOf(i) !== `${NOW - (COUNT - 1 - i) * everyMs}-0`)).toEqual([]);
  });

  test('are kept for at most twice that number, or twice that time', () => {
    for (const everyMs of [200, 10]) {
      const idOf = remembered(everyMs);
      const known = indices.filter((i) => idOf(i) !== undefined).length;
      expect(known).toBeLessThanOrEqual(2 * Math.max(10_000, (2 * MINUTE_MS) / everyMs));
    }
  });

  test('are forgotten after a day, however few they are', () => {
    const keys = new RecentKeys();
    keys.set('old', '1-0', NOW - DAY_MS - 1);
    keys.set('young', '2-0', NOW - DAY_MS);

    expect(keys.get('old', NOW)).toBeUndefined();
    expect(keys.get('young', NOW)).toBeDefined();
  });

  test('that are used again after that refer to the new event', () => {
    const keys = new RecentKeys();
    keys.set('k', '1-0', NOW - 2 * DAY_MS);
    keys.set('k', '2-0', NOW);

    expect(keys.get('k', NOW)).toBe('2-0');
  });
});
