import { FIRST_ID, idTime, isInReach, laterId, nextOwnId } from './event-id.ts';

/**
 * One clock for the ids of all mailboxes. Each new id is above every id that was read or given before, in any mailbox. So
 * an answer has a higher id than what it answers, even if the computer's clock is set back.
 */
export class IdClock {
  #last = FIRST_ID;

  /** Rises to an id that was read. Ignores an id that is far ahead: somebody made it up. */
  rise(id: string): void {
    if (isInReach(idTime(id), 0)) this.#last = laterId(this.#last, id);
  }

  /** The next id after `last`, the newest of its mailbox. */
  next(last: string, now: number): string {
    const id = nextOwnId(last, now, this.#last);
    this.rise(id);
    return id;
  }

  /** The time for foreign mail that was just read, above all ids read or given before. */
  tick(now: number): number {
    const ms = Math.max(now, idTime(this.#last) + 1);
    this.rise(`${ms}-0`);
    return ms;
  }
}
