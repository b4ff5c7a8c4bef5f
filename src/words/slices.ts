import { setImmediate as nextTurn } from 'node:timers/promises';

const SLICE_MS = 5;

/** When the work of this turn of the event loop began. */
let beganMs: number | undefined;

/** Long work in slices: whoever awaits `rest` now and then lets others have their turn after 5 ms of work, his own and that of all others together. */
export class Slices {
  constructor() {
    begin();
  }

  async rest(): Promise<void> {
    if (performance.now() - begin() >= SLICE_MS) await nextTurn();
    begin();
  }
}

function begin(): number {
  if (beganMs === undefined) setImmediate(() => (beganMs = undefined));
  return (beganMs ??= performance.now());
}
