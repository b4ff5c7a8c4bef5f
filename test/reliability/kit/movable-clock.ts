import { MovableClock } from '../../faults/kit/movable-clock.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { afterThisTest } from '../../support/after-this-test.ts';
import type { At } from '../../support/requests.ts';
import { until } from '../../support/until.ts';

/** A clock for the servers of this test. */
export function movableClock(): MovableClock {
  const clock = new MovableClock();
  afterThisTest(() => clock.remove());
  return clock;
}

/** Lets hours pass for a server whose timers move with the clock, and lets it begin all that is then due. */
export async function letPass(clock: MovableClock, offsets: readonly string[], { url }: At): Promise<void> {
  for (const offset of offsets) {
    clock.set(offset);
    await pause(400); // some turns of its event loop
  }
  // Connections that were idle for so long are closed.
  const isThere = (): Promise<boolean> =>
    fetch(`${url}/healthz`).then(
      ({ ok }) => ok,
      () => false,
    );
  await until('the server to answer', isThere);
}
