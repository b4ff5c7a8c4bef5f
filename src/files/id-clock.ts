import { FIRST_ID, idTime, isInReach, laterId, nextOwnId } from './event-id.ts';

/**
 * One clock for the ids of all mailboxes: an id given anywhere is above all that were read or given before it. So an
 * answer has a higher id than what it answers, whatever the computer's clock does meanwhile.
 */
export class IdClock {
  #last = FIRST_ID;

  /** Rises above an id that was read, but not after one that somebody has made up far ahead: it stays where it is. */
  rise(id: string): void {
    if (isInReach(idTime(id), 0)) this.#last = laterId(this.#last, id);
  }

  /** The next id behind `last`, the newest of its mailbox. */
  next(last: string, now: number): string {
    const id = nextOwnId(last, now, this.#last);
    this.rise(id);
    return id;
  }

  /** A time for what others wrote: above all that was read or given before, too. */
  tick(now: number): number {
    const ms = Math.max(now, idTime(this.#last) + 1);
    this.rise(`${ms}-0`);
    return ms;
  }
}
