import { expect } from '@jest/globals';
import { LONG, longTest, testWithFaketime } from './kit/fault-test.ts';
import { MovableClock } from './kit/movable-clock.ts';
import { ALICE, ALL_WELL, Scene } from './kit/scene.ts';
import { Sender } from './kit/sender.ts';
import { ServerProcess, type ServerOptions } from './kit/server-process.ts';

const PER_SECOND = 10;

interface TwoServers {
  readonly clock: MovableClock;
  readonly scene: Scene;
  /** A second server on the same directory. */
  readonly other: ServerProcess;
  /** Sends through the other server. */
  readonly carol: Sender;
}

/** Runs `work` with a second server beside one whose clock can be moved. Expects that nothing is wrong afterwards. */
async function withTwoServers(
  options: Partial<ServerOptions>,
  otherVia: (clock: MovableClock) => readonly string[],
  work: (servers: TwoServers) => Promise<void>,
): Promise<void> {
  const clock = new MovableClock();
  const scene = new Scene(options);
  let other: ServerProcess | undefined;
  const carol = new Sender({ name: 'carol', receiver: ALICE, ledger: scene.ledger, port: () => other!.port });
  try {
    await scene.start({}, clock.via);
    other = await ServerProcess.start({ dir: scene.dir, ...options }, otherVia(clock));
    await work({ clock, scene, other, carol });
    await other.terminate();
    expect(await scene.judge()).toEqual(ALL_WELL);
  } finally {
    carol.close();
    await other?.kill();
    await scene.clear();
    await clock.remove();
  }
}

testWithFaketime(
  'loses and delays nothing when the clocks of two servers jump 15 s ahead and an hour back',
  () =>
    withTwoServers(
      { sendRate: PER_SECOND },
      (clock) => clock.via,
      async ({ clock, scene, carol }) => {
        await scene.sender.send(2);
        await scene.follow();

        clock.set('+15s');
        const { body } = await carol.sendOne();
        expect(Number.parseInt(body.id!, 10)).toBeGreaterThan(Date.now() + 10_000); // the clock did move
        for (const offset of ['+15s', '-1h']) {
          clock.set(offset);
          scene.appendForeign();
          await carol.send(2);
          await scene.sender.send(PER_SECOND + 1); // more than are allowed in the second of the jump
          await scene.shown(3000);
        }
        await scene.server.terminate();
        await scene.start();
        await carol.send(2);
        await scene.shown(3000);
      },
    ),
  60_000,
);

/** Two processes on one computer never see clocks that far apart. */
(LONG ? testWithFaketime : longTest)(
  'loses nothing when the clocks of two servers jump apart again and again',
  () =>
    withTwoServers(
      { pieceBytes: 4096 },
      () => [],
      async ({ clock, scene, other, carol }) => {
        await scene.follow({ port: () => (Math.random() < 0.5 ? other.port : scene.port), livesMs: () => 1000 });

        for (let i = 0; i < 60; i += 1) {
          clock.set(['+15s', '-1h', '+0s', '+1d', '-2d'][Math.floor(Math.random() * 5)]!);
          scene.appendForeign();
          await Promise.all([carol.send(20), scene.sender.send(20)]);
        }

        await scene.shown();
      },
    ),
  180_000,
);
