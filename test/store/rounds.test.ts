import { expect, test } from '@jest/globals';
import { Rounds } from '../../src/words/rounds.ts';

function visits(count: number, ticks: number, most?: number): number[] {
  const times = Array.from({ length: count }, () => 0);
  const rounds = new Rounds(new Map(times.entries()), 100, 1000, most);
  for (let i = 0; i < ticks; i += 1) rounds.tick((item) => (times[item]! += 1));
  return times;
}

test('visits every item once in a period', () => {
  expect(visits(25, 10)).toEqual(Array.from({ length: 25 }, () => 1));
});

test('visits at most so many items at each tick, and leaves none out', () => {
  expect(visits(50, 1, 2).reduce((a, b) => a + b)).toBe(2);
  expect(visits(50, 25, 2)).toEqual(Array.from({ length: 50 }, () => 1));
});
