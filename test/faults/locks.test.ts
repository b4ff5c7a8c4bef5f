import { expect, test } from '@jest/globals';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { testWithStrace } from './kit/fault-test.ts';
import { ALICE, ALL_WELL, Scene } from './kit/scene.ts';
import { Sender, post } from './kit/sender.ts';
import { ServerProcess } from './kit/server-process.ts';
import { Strace } from './kit/strace.ts';
import { until } from '../support/until.ts';
import { locksIn } from './kit/world.ts';

const LONGER_THAN_STALE = 'delay_enter=3000000';

/** One server is slow in fdatasync while it holds the lock, and the other gets mail for the same mailbox. */
async function twoHolders(interfere: (scene: Scene) => void): Promise<{ judgement: object; otherTookMs: number }> {
  const scene = await Scene.open();
  const other = await ServerProcess.start({ dir: scene.dir });
  const carol = new Sender({
    name: 'carol',
    receiver: ALICE,
    ledger: scene.ledger,
    port: () => other.port,
    timeoutMs: 9000,
  });
  try {
    await scene.sender.send(1);
    const strace = await Strace.attach(scene.server.pid, { calls: ['fdatasync'], fault: LONGER_THAN_STALE, when: 1 });
    const sending = scene.sender.send(2);
    await until('the lock is held', () => locksIn(scene.dir).length > 0, 5000, 1);
    interfere(scene);

    const startedMs = performance.now();
    await carol.send(3);
    const otherTookMs = performance.now() - startedMs;
    await sending;

    await strace.detach();
    await other.terminate();
    return { judgement: await scene.judge(), otherTookMs };
  } finally {
    carol.close();
    await other.kill();
    await scene.clear();
  }
}

testWithStrace(
  'loses nothing when the holder of a lock is delayed in fdatasync until the lock is taken over',
  async () => {
    const { judgement, otherTookMs } = await twoHolders(() => undefined);

    expect(judgement).toEqual(ALL_WELL);
    expect(otherTookMs).toBeLessThan(4000);
  },
  60_000,
);

testWithStrace(
  'loses nothing when a lock directory is deleted under its holder',
  async () => {
    const { judgement } = await twoHolders(({ dir }) =>
      rmSync(join(dir, '.locks', `${ALICE}.lock`), { recursive: true }),
    );

    expect(judgement).toEqual(ALL_WELL);
  },
  60_000,
);

test('answers 503 in bounded time when a lock cannot be removed, and serves other mailboxes meanwhile', async () => {
  const scene = await Scene.open();
  try {
    const lock = join(scene.dir, '.locks', `${ALICE}.lock`);
    mkdirSync(lock);
    writeFileSync(join(lock, 'file'), '');
    utimesSync(lock, new Date(0), new Date(0));

    const blocked = post(scene.port, { sender: 'bob', receiver: ALICE, message: 'hi' }, { timeoutMs: 20_000 });
    const startedMs = performance.now();
    const others = await post(scene.port, { sender: 'bob', receiver: 'dave', message: 'hi' });
    const othersTookMs = performance.now() - startedMs;
    const answer = await blocked;

    expect(others.status).toBe(201);
    expect(othersTookMs).toBeLessThan(1500);
    expect(answer).toMatchObject({ status: 503, body: { error: 'MAILBOX_BUSY' } });
    expect(performance.now() - startedMs).toBeLessThan(10_000);

    rmSync(lock, { recursive: true });
    await scene.sender.send(1);
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    await scene.clear();
  }
}, 60_000);
