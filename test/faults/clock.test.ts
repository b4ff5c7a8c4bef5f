import { expect } from '@jest/globals';
import { testWithFaketime } from './kit/fault-test.ts';
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

      for (const offset of ['+15s', '-1h', '+0s']) {
        clock.set(offset);
        scene.appendForeign();
        await carol.send(2);
        await scene.sender.send(PER_SECOND + 1); // more than may come in the second in which it jumped
        await scene.shown(3000);
      }
      clock.set('-1h');
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
