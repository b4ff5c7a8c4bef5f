import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { LiveDirectory } from '../../src/files/live-directory.ts';
import { silent } from '../../src/logger.ts';
import { temporaryDirectory } from '../support/directory.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('What is noted of who has left is gone a minute later, and who is here stays known to the others', () => {
  const dir = temporaryDirectory();
  const noted = (): string =>
    readdirSync(dir)
      .map((name) => readFileSync(join(dir, name), 'utf8'))
      .join('');
  const options = { logger: silent, watch: false, onGrown: () => undefined };
  const live = new LiveDirectory(dir, options);
  live.arrive('mina');
  const leave = live.arrive('henry');
  leave();
  jest.advanceTimersByTime(10_000);
  expect(noted()).toContain('{"off":"henry"');

  jest.advanceTimersByTime(60_000);
  live.tick();
  jest.advanceTimersByTime(5000);
  live.tick(); // the file is dated by this clock now
  const other = new LiveDirectory(dir, options);

  expect(noted()).not.toContain('henry');
  expect(other.presence('mina').online).toBe(true);
  for (const each of [live, other]) each.close();
});

test('Where nobody has come nothing is noted', () => {
  const dir = temporaryDirectory();
  const live = new LiveDirectory(dir, { logger: silent, watch: false, onGrown: () => undefined });

  jest.advanceTimersByTime(120_000);
  live.tick();

  expect(readdirSync(dir)).toEqual([]);
  live.close();
});
