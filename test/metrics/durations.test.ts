import { expect, test } from '@jest/globals';
import { Durations } from '../../src/durations.ts';

test('A bucket counts whatever took up to its bound, the bound included, and the last one counts all', () => {
  const durations = new Durations();

  for (const seconds of [0, 0.0005, 0.0006, 0.01, 10, 11]) durations.observe(seconds);

  const upTo = new Map(durations.buckets.map(({ le, count }) => [le, count]));
  expect([upTo.get(0.0005), upTo.get(0.001), upTo.get(0.01), upTo.get(10), upTo.get('+Inf')]).toEqual([2, 3, 4, 5, 6]);
  expect(durations.count).toBe(6);
  expect(durations.sum).toBeCloseTo(21.0111, 10);
});
