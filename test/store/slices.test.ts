import { appendFileSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import type { FileMailboxes } from '../../src/files/file-mailboxes.ts';
import { Slices } from '../../src/words/slices.ts';
import { MailboxDirectory } from '../support/store-files.ts';
import { henry, letter, readAll } from '../support/store-mail.ts';

jest.setTimeout(30_000);

const COUNT = 300_000;
/** All of the work takes a second or more. One slice is 5 ms; garbage collection on a busy machine may add much to it. */
const MOST_MS = 500;

let directory: MailboxDirectory;
let store: FileMailboxes;

beforeEach(() => {
  directory = new MailboxDirectory();
  store = directory.open({ watch: false });
});

afterEach(() => directory.remove());

/** The most work between two turns of the event loop, in ms of processor time, so that other programs add nothing. */
async function longestTurnMs(work: () => Promise<unknown>): Promise<number> {
  let longestMs = 0;
  let isOver = false;
  let last = process.cpuUsage();
  const turn = (): void => {
    const { user, system } = process.cpuUsage(last);
    longestMs = Math.max(longestMs, (user + system) / 1000);
    last = process.cpuUsage();
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work();
  isOver = true;
  turn();
  return longestMs;
}

test('a reader who reads much mail, a little at a time, delays nobody', async () => {
  appendFileSync(directory.file(), `\n\ndata: ${'x'.repeat(300)}\n\n`.repeat(COUNT));
  await store.ends(henry);

  expect(await longestTurnMs(() => readAll(store))).toBeLessThan(MOST_MS);
});

test('an event of 200,000 lines delays nobody when it is erased', async () => {
  const [head, tail] = [
    'data: {"sender":"jjeong","receiver":"henry","message":"secret","time":"t","replyTo":"5-0",',
    'data: "key":"k"}',
  ];
  appendFileSync(directory.file(), `\n\n${head}\n${'data\n'.repeat(200_000)}${tail}\n\n`);
  const [event] = await readAll(store);

  expect(await longestTurnMs(() => store.append(henry, letter('', { type: 'remove', of: event!.id })))).toBeLessThan(
    MOST_MS,
  );
  expect(readFileSync(directory.file(), 'latin1')).not.toContain('secret');
});

test('pieces of work that wait for the next turn do not all continue in it', async () => {
  let turns = 0;
  const count = (): void => {
    turns += 1;
    counting = setImmediate(count);
  };
  let counting = setImmediate(count);
  const work = (): void => {
    for (const beganMs = performance.now(); performance.now() - beganMs < 6;);
  };
  const workLong = async (): Promise<number> => {
    const slices = new Slices();
    work();
    await slices.rest();
    work();
    return turns;
  };

  const done = await Promise.all(Array.from({ length: 5 }, workLong));
  clearImmediate(counting);

  expect(new Set(done).size).toBe(5);
});
