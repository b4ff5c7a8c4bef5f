import { expect } from '@jest/globals';
import { LONG, longTest, testWithFaketime } from './kit/fault-test.ts';
import { MovableClock } from './kit/movable-clock.ts';
import { ALICE, ALL_WELL, Scene } from './kit/scene.ts';
import { Sender } from './kit/sender.ts';
import { ServerProcess } from './kit/server-process.ts';

const PER_SECOND = 10;

testWithFaketime(
  'loses nothing and holds nothing up when the clock goes 15 s ahead and an hour back under two servers',
  async () => {
    const clock = new MovableClock();
    const scene = new Scene({ sendRate: PER_SECOND });
    let other: ServerProcess | undefined;
    const carol = new Sender({ name: 'carol', receiver: ALICE, ledger: scene.ledger, port: () => other!.port });
    try {
      await scene.start({}, clock.via);
      other = await ServerProcess.start({ dir: scene.dir }, clock.via);
      await scene.sender.send(2);
      await scene.follow();

      clock.set('+15s');
      const { body } = await carol.sendOne();
      expect(Number.parseInt(body.id!, 10)).toBeGreaterThan(Date.now() + 10_000); // it did move
      for (const offset of ['+15s', '-1h']) {
        clock.set(offset);
        scene.appendForeign();
        await carol.send(2);
        await scene.sender.send(PER_SECOND + 1); // more than may come in the second in which it jumped
        await scene.shown(3000);
      }
      await scene.server.terminate();
      await scene.start();
      await carol.send(2);
      await scene.shown(3000);

      await other.terminate();
      expect(await scene.judge()).toEqual(ALL_WELL);
    } finally {
      carol.close();
      await other?.kill();
      await scene.clear();
      clock.remove();
    }
  },
  60_000,
);

/** Further apart than one computer's clock ever is from itself. */
(LONG ? testWithFaketime : longTest)(
  'loses nothing when the clocks of two servers jump apart again and again',
  async () => {
    const clock = new MovableClock();
    const scene = new Scene({ segmentBytes: 4096 });
    let other: ServerProcess | undefined;
    const carol = new Sender({ name: 'carol', receiver: ALICE, ledger: scene.ledger, port: () => other!.port });
    try {
      await scene.start({}, clock.via);
      other = await ServerProcess.start({ dir: scene.dir, segmentBytes: 4096 });
      await scene.follow({ port: () => (Math.random() < 0.5 ? other!.port : scene.port), livesMs: () => 1000 });

      for (let i = 0; i < 60; i += 1) {
        clock.set(['+15s', '-1h', '+0s', '+1d', '-2d'][Math.floor(Math.random() * 5)]!);
        scene.appendForeign();
        await Promise.all([carol.send(20), scene.sender.send(20)]);
      }

      await scene.shown();
      await other.terminate();
      expect(await scene.judge()).toEqual(ALL_WELL);
    } finally {
      carol.close();
      await other?.kill();
      await scene.clear();
      clock.remove();
    }
  },
  180_000,
);
