import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { LONG } from './kit/fault-test.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { until } from '../support/until.ts';
import { Follower } from './kit/follower.ts';
import { FOREIGN } from './kit/ledger.ts';
import { ALICE, ALL_WELL, Scene } from './kit/scene.ts';
import { post } from './kit/sender.ts';
import { ServerProcess } from './kit/server-process.ts';
import { soak, type SoakResult } from './soak.ts';

const NOTHING_WRONG = { lost: 0, twice: 0, reordered: 0, strange: 0, complaints: [], samples: [] };
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

async function soaked(options: Omit<Parameters<typeof soak>[0], 'seed'>): Promise<SoakResult> {
  const result = await soak({ seed: SEED, ...options });
  if (result.lost + result.twice + result.reordered + result.complaints.length > 0) console.error(`SEED=${SEED}`);
  return result;
}

test('loses nothing when servers on one directory are killed, stopped and ended at random', async () => {
  const result = await soaked({
    durationMs: LONG ? 300_000 : 5000,
    areEnough: ({ kills, metOwner }) => kills > 5 && metOwner > 1,
  });

  expect(result).toMatchObject(NOTHING_WRONG);
}, 600_000);

test('loses nothing when servers are stopped for longer than their locks last, then continued', async () => {
  const result = await soaked({
    durationMs: LONG ? 120_000 : 3000,
    faults: ['stop'],
    faultEveryMs: 200,
    areEnough: ({ stops, metOwner }) => stops > 1 && metOwner > 0,
  });

  expect(result).toMatchObject(NOTHING_WRONG);
}, 400_000);

test('loses nothing that programs in other languages append while the server is killed', async () => {
  const result = await soaked({
    durationMs: 0,
    processes: 1,
    sendersPerMailbox: 1,
    foreign: [],
    examples: LONG ? { writers: 100, appends: 200_000, restMs: 1000 } : { writers: 10, appends: 10_000, restMs: 20 },
    faults: ['kill'],
    faultEveryMs: 1000,
    areEnough: ({ kills }) => kills > 1,
  });

  expect(result).toMatchObject(NOTHING_WRONG);
  expect(result.foreign).toBe(LONG ? 200_000 : 10_000);
}, 600_000);

test('works again within 3 s of the holder of a lock being killed', async () => {
  const scene = await Scene.open();
  try {
    await scene.sender.send(1);
    const sending = scene.sender.send(50);
    await pause(30);
    await scene.server.kill();

    await scene.start();
    const startedMs = performance.now();
    const text = scene.ledger.post('carol', 0);
    const message = { sender: 'carol', receiver: ALICE, message: text };
    const { status } = await post(scene.port, message);
    scene.ledger.accept(text);
    const tookMs = performance.now() - startedMs;
    await sending;

    expect(status).toBe(201);
    expect(tookMs).toBeLessThan(3000);
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    await scene.clear();
  }
}, 30_000);

test.each([
  ['15 s ahead', 15_000],
  ['an hour back', -3_600_000],
])(
  'gives rising ids when the clock is %s after a restart',
  async (_, clockOffsetMs) => {
    const scene = await Scene.open();
    try {
      await scene.sender.send(3);
      await scene.follow();
      await scene.sender.send(3);
      await scene.server.terminate();
      await scene.start({ clockOffsetMs });

      await scene.sender.send(3);

      expect(await scene.judge()).toEqual(ALL_WELL);
    } finally {
      await scene.clear();
    }
  },
  30_000,
);

test('loses nothing while the event loop of one of two servers is blocked', async () => {
  const scene = await Scene.open({ blockMs: LONG ? 15_000 : 4000 });
  const other = await ServerProcess.start({ dir: scene.dir });
  const away = scene.port;
  try {
    await scene.sender.send(2);
    const sending = scene.sender.send(20);
    scene.server.signal('SIGUSR2');
    await scene.follow({ port: () => (Math.random() < 0.5 ? other.port : away), livesMs: () => 500 });

    await sending;

    await other.terminate();
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    await other.kill();
    await scene.clear();
  }
}, 60_000);

test('ends cleanly within 5 s of SIGTERM, while mail comes in and streams are open', async () => {
  const scene = await Scene.open();
  try {
    await scene.follow();
    const sending = scene.sender.send(200);
    await until('some have come', () => scene.follower!.shown.length > 20);

    const beganMs = performance.now();
    const exit = await scene.server.terminate();

    expect(exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - beganMs).toBeLessThan(5000);
    await scene.start();
    await sending;
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    await scene.clear();
  }
}, 60_000);

test('recognizes a repeated message minutes later, after a restart and a flood of foreign mail', async () => {
  const scene = await Scene.open({ pieceBytes: 64 * 1024 });
  try {
    const message = { sender: 'carol', receiver: ALICE, message: scene.ledger.post('carol', 0), key: 'key' };
    const first = await post(scene.port, message);
    scene.ledger.accept('carol:0');
    for (let i = 0; i < 12_000; i += 1) scene.ledger.accept(scene.ledger.post(`${FOREIGN}flood`, i));
    const flood = Array.from({ length: 12_000 }, (_, i) => `data: ${FOREIGN}flood:${i}\n\n`);
    appendFileSync(scene.mailbox, flood.join(''));
    await scene.follow();
    await scene.server.terminate();
    await scene.start({ clockOffsetMs: 180_000 });

    const again = await post(scene.port, message);

    expect([first.status, again.status, again.body.id]).toEqual([201, 200, first.body.id]);
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    await scene.clear();
  }
}, 60_000);

test('ends within 5 s of SIGTERM after another server died with many locks', async () => {
  const scene = await Scene.open();
  const people = Array.from({ length: 6 }, (_, i) => `person${i}`);
  for (const person of people) {
    mkdirSync(join(scene.dir, '.locks', `${person}.lock`));
    appendFileSync(join(scene.dir, `${person}.txt`), 'data: hi\n\n');
  }
  const followers = people.map((mailbox) => new Follower({ mailbox, port: () => scene.port }));
  try {
    await until('all have come', () => followers.every(({ shown }) => shown.length > 0));
    for (const follower of followers) follower.cut(); // they reconnect with a cursor, which moves their marks
    await until('all are back', () => followers.every(({ connections }) => connections > 1));

    const beganMs = performance.now();
    const exit = await scene.server.terminate();

    expect(exit).toEqual({ code: 0, signal: null });
    expect(performance.now() - beganMs).toBeLessThan(5000);
  } finally {
    await Promise.all(followers.map((follower) => follower.close()));
    await scene.clear();
  }
}, 60_000);
