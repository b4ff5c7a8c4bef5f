import { join } from 'node:path';
import { READ, ifThere, readRange, replaceFile, withFile } from './disk.ts';
import { FIRST_ID, isEventId, laterId, ownPart } from './event-id.ts';

const FLOOR_FILE = '.floor';

/**
 * The id that mailboxes without a log begin after: above all ids of those that were forgotten, so that what comes to one
 * of them later is above every cursor and mark that somebody has kept.
 */
export class Floor {
  #id: string;
  readonly #path: string;

  constructor(dir: string) {
    this.#path = join(dir, FLOOR_FILE);
    const text = ifThere(() => withFile(this.#path, READ, (fd) => readRange(fd, 0, 64).toString().trim())) ?? '';
    this.#id = isEventId(text) ? ownPart(text) : FIRST_ID;
  }

  get id(): string {
    return this.#id;
  }

  /** Resolves when it is on disk. */
  raise(id: string): void {
    this.#id = laterId(this.#id, ownPart(id));
    replaceFile(this.#path, `${this.#id}\n`);
  }
}
