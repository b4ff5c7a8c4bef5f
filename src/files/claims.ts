/**
 * A claim says who may read a file, and keeps it. Each is a hard link of the file, `.files/.claims/<mailbox>/<sha256>/<name>`:
 *
 *     1763600000123-0_jjeong                 the message with this id names it
 *     upload-1763600000000-<random>_jjeong   jjeong has stored it, and a message that names it may be on its way
 *
 * Without a sender, another program has made the claim and written the message. Such a claim may be a file of its own.
 *
 * With its last claim, a file goes. So nobody has to look through the mail to delete files.
 */
import { linkSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isSha256 } from '../words/file-store.ts';
import { isMailboxName, type MailboxName } from '../words/mailbox-name.ts';
import { ifThere, makeDirectory, namesIn, randomName, removedIfEmpty, statIfThere } from './disk.ts';

export interface Claim {
  readonly path: string;
  readonly sender: string;
  /** Of the message; '' for an upload. */
  readonly id: string;
  /** When an upload was stored, in Unix ms. */
  readonly ms: number;
}

const CLAIMS = '.claims';
const SHAPE = /^(?:(?<id>\d+-\d+(?:\.\d+)?)|upload-(?<ms>\d{1,15})-[0-9a-f]+)_(?<sender>.*)$/;

/** The files in `.files`, and their claims. */
export class Claims {
  readonly #dir: string;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** The mailboxes that have files. */
  get mailboxes(): MailboxName[] {
    return namesIn(join(this.#dir, CLAIMS)).filter(isMailboxName);
  }

  hashes(mailbox: MailboxName): string[] {
    return namesIn(join(this.#dir, CLAIMS, mailbox)).filter(isSha256);
  }

  of(mailbox: MailboxName, sha256: string): Claim[] {
    return [...this.each(mailbox, sha256)];
  }

  /** The same one by one: a file may have been sent 10,000 times, and who needs one claim should not wait for all. */
  *each(mailbox: MailboxName, sha256: string): Generator<Claim> {
    const dir = join(this.#dir, CLAIMS, mailbox, sha256);
    for (const name of namesIn(dir)) {
      const { id = '', ms = '0', sender } = SHAPE.exec(name)?.groups ?? {};
      if (sender !== undefined) yield { path: join(dir, name), sender, id, ms: Number(ms) };
    }
  }

  /** Whether this message has its claim. */
  has(mailbox: MailboxName, sha256: string, id: string, sender: string): boolean {
    return statIfThere(join(this.#dir, CLAIMS, mailbox, sha256, `${id}_${sender}`)) !== undefined;
  }

  /** Links `from` as an upload. Returns the path of the claim. */
  addUpload(from: string, mailbox: MailboxName, sha256: string, sender: string, nowMs: number): string {
    const name = `upload-${Math.max(0, Math.trunc(nowMs))}-${randomName()}_${sender}`;
    const path = join(this.#dir, CLAIMS, mailbox, sha256, name);
    makeDirectory(dirname(path));
    linkSync(from, path);
    return path;
  }

  /** Makes an upload the claim of a message. */
  settle(upload: string, id: string, sender: string): void {
    ifThere(() => renameSync(upload, join(dirname(upload), `${id}_${sender}`)));
  }

  /** Removes a claim, and the file with the last one. Returns how many bytes of content that frees; undefined if it was gone. */
  drop(sha256: string, path: string): number | undefined {
    const content = join(this.#dir, sha256);
    const stat = statIfThere(path);
    if (!stat) return undefined;
    const isThere = statIfThere(content)?.ino === stat.ino;
    const isLast = stat.nlink === (isThere ? 2 : 1);
    // A kill between the two leaves a claim, which is found again. Content without a claim could be another program's.
    if (isLast && isThere) rmSync(content, { force: true });
    rmSync(path, { force: true });
    if (removedIfEmpty(dirname(path))) removedIfEmpty(dirname(dirname(path)));
    return isLast && isThere ? stat.size : 0;
  }
}
