import { join } from 'node:path';
import { ifThere, readPart } from './disk.ts';
import { FIRST_ID, isEventId, laterId, ownPart } from './event-id.ts';
import { MARKS } from './mailbox-paths.ts';
import { replaceFile } from './replace-file.ts';

/** Among the marks, where nobody else can put one. */
export const FLOOR_FILE = join(MARKS, '.floor');

/**
 * The id that mailboxes without a log begin after, kept in `.floor`. It is above all ids of forgotten mailboxes. So if one
 * of them gets mail again, old cursors and marks do not hide it.
 */
export class Floor {
  #id: string;
  readonly #path: string;

  constructor(dir: string) {
    this.#path = join(dir, FLOOR_FILE);
    const text = ifThere(() => readPart(this.#path, 0, 64).toString().trim()) ?? '';
    this.#id = isEventId(text) ? ownPart(text) : FIRST_ID;
  }

  get id(): string {
    return this.#id;
  }

  /** It is on disk when this returns. */
  raise(id: string): void {
    this.#id = laterId(this.#id, ownPart(id));
    replaceFile(this.#path, `${this.#id}\n`);
  }
}
