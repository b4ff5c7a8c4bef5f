import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 5;

/** When work began in this turn of the event loop. */
let beganMs: number | undefined;

/**
 * Cuts long work into slices. Code that awaits `rest` now and then yields to the event loop after 5 ms, counted over all such
 * work: what waits together goes on in as many turns as it needs.
 */
export class Slices {
  constructor() {
    begin();
  }

  async rest(): Promise<void> {
    while (performance.now() - begin() >= SLICE_MS) await nextTurn();
    begin();
  }
}

function begin(): number {
  if (beganMs === undefined) setImmediate(() => (beganMs = undefined));
  return (beganMs ??= performance.now());
}
