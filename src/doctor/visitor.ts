import { randomBytes } from 'node:crypto';
import { statSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { Invitations } from '../access/invitations.ts';
import { FILE_MODE, statIfThere } from '../files/disk.ts';
import { FileMailboxes } from '../files/file-mailboxes.ts';
import { MailboxPaths } from '../files/mailbox-paths.ts';
import { personName, type MailboxName } from '../mailbox-name.ts';

/** Longer than a server needs to notice that a stream was closed, and to look at its mailboxes. */
const SETTLE_MS = 1300;
const MAX_ATTEMPTS = 8;

/** Somebody who exists for the time of one examination, in a directory that is at hand, and leaves nothing behind. */
export class Visitor {
  readonly name: MailboxName = personName(`doctor-${randomBytes(6).toString('hex')}`);
  readonly #dir: string;
  #isInvited = false;

  constructor(dir: string) {
    this.#dir = dir;
    // Made here, it does not count as one of those that a server lets strangers make.
    if (isOwn(dir)) writeFileSync(new MailboxPaths(dir, this.name).file, '', { flag: 'wx', mode: FILE_MODE });
  }

  /** A key for the visitor, or undefined where inviting would take the list of invitations from the server's user. */
  invite(): string | undefined {
    if (!isOwn(this.#dir)) return undefined;
    this.#isInvited = true;
    return new Invitations(this.#dir).invite(this.name);
  }

  /** Until a server no longer makes the mailbox again for a stream that it believes to be open. */
  async leave(): Promise<void> {
    if (this.#isInvited) new Invitations(this.#dir).revoke(this.name);
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      await this.#forget();
      await pause(SETTLE_MS);
      if (!statIfThere(new MailboxPaths(this.#dir, this.name).file)) return;
    }
  }

  async #forget(): Promise<void> {
    const mailboxes = new FileMailboxes(this.#dir, { watch: false, keepMs: Infinity, keepBytes: Infinity });
    try {
      await mailboxes.forget(this.name);
    } finally {
      await mailboxes.close();
    }
  }
}

function isOwn(dir: string): boolean {
  return statSync(dir).uid === process.geteuid?.();
}
