import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { LiveDirectory } from '../../src/files/live-directory.ts';
import { silent } from '../../src/logger.ts';
import { temporaryDirectory } from '../support/directory.ts';

const QUIETLY = { logger: silent, watch: false, onGrown: () => undefined };
const HOUR_MS = 60 * 60 * 1000;

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('What is noted of who has left is gone a minute later, and who is here stays known to the others', () => {
  const dir = temporaryDirectory();
  const noted = (): string =>
    readdirSync(dir)
      .map((name) => readFileSync(join(dir, name), 'utf8'))
      .join('');
  const live = new LiveDirectory(dir, QUIETLY);
  live.arrive('mina');
  const leave = live.arrive('henry');
  leave();
  jest.advanceTimersByTime(10_000);
  expect(noted()).toContain('{"off":"henry"');

  jest.advanceTimersByTime(60_000);
  live.tick();
  jest.advanceTimersByTime(5000);
  live.tick(); // the file is dated by this clock now
  const other = new LiveDirectory(dir, QUIETLY);

  expect(noted()).not.toContain('henry');
  expect(other.presence('mina').online).toBe(true);
  for (const each of [live, other]) each.close();
});

test('Where nobody has come nothing is noted', () => {
  const dir = temporaryDirectory();
  const live = new LiveDirectory(dir, QUIETLY);

  jest.advanceTimersByTime(120_000);
  live.tick();

  expect(readdirSync(dir)).toEqual([]);
  live.close();
});

/** Two servers that know of each other, mina's page open at the first. */
function twoServers(): { dir: string; live: LiveDirectory; other: LiveDirectory } {
  const dir = temporaryDirectory();
  const live = new LiveDirectory(dir, QUIETLY);
  live.arrive('mina');
  const other = new LiveDirectory(dir, QUIETLY);
  other.tick();
  return { dir, live, other };
}

/** So many seconds in the life of these servers. */
function live(seconds: number, ...servers: LiveDirectory[]): void {
  for (let second = 0; second < seconds; second += 1) {
    jest.advanceTimersByTime(1000);
    for (const server of servers) server.tick();
  }
}

test.each([15_000, HOUR_MS, -HOUR_MS])('Who is here stays when the clock jumps by %i ms', (ms) => {
  const { live: mine, other } = twoServers();
  live(6, other, mine);
  jest.setSystemTime(Date.now() + ms);

  for (let second = 0; second < 30; second += 1) {
    live(1, other, mine);
    expect(other.presence('mina').online).toBe(true);
  }

  for (const each of [mine, other]) each.close();
});

test('Who was on a server that died is gone 15 s later, when the clock goes back an hour, too', () => {
  const { dir, live: dead, other } = twoServers();
  live(6, other, dead);
  jest.setSystemTime(Date.now() - HOUR_MS);

  live(20, other);

  expect(other.presence('mina').online).toBe(false);
  expect(readdirSync(dir)).toHaveLength(1); // its own
  for (const each of [dead, other]) each.close();
});

test('Who is here is told again by a server whose notes were removed while it was stopped', () => {
  const { dir, live: stopped, other } = twoServers();
  for (const name of readdirSync(dir)) {
    const path = join(dir, name);
    if (readFileSync(path, 'utf8').includes('mina')) rmSync(path);
  }
  other.tick();
  expect(other.presence('mina').online).toBe(false);

  live(6, stopped, other);

  expect(other.presence('mina').online).toBe(true);
  for (const each of [stopped, other]) each.close();
});

test('Somebody with pages of two servers open comes once, and leaves with the last of them', () => {
  const { live: mine, other } = twoServers();
  const leave = other.arrive('henry');
  live(1, other, mine);
  const heard: boolean[] = [];
  mine.listen('presence:henry', ({ data }) => heard.push((JSON.parse(data) as { online: boolean }).online));

  const leaveMine = mine.arrive('henry');
  leave();
  live(11, other, mine);
  expect(mine.presence('henry').online).toBe(true);
  expect(heard).toEqual([]);
  leaveMine();
  live(11, mine, other);

  expect(heard).toEqual([false]);
  expect(other.presence('henry').online).toBe(false);
  for (const each of [mine, other]) each.close();
});
