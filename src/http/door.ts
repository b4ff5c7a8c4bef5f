import type { IncomingMessage } from 'node:http';
import type { Access, Verdict } from '../access/access.ts';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';

/** Lets a request in, or says why not: 401 without a credential that counts, 403 with somebody else's. */
export class Door {
  readonly access: Access;

  constructor(access: Access) {
    this.access = access;
  }

  /** For what only this person may do. */
  async admit(req: IncomingMessage, person: MailboxName): Promise<void> {
    refuseUnless(await this.access.check(req, person), person);
  }

  /** For what everybody may do who belongs here. */
  async admitAnyone(req: IncomingMessage): Promise<void> {
    refuseUnless(await this.access.checkAnyone(req), 'anybody');
  }
}

function refuseUnless(verdict: Verdict, person: string): void {
  if (verdict === 'allowed') return;
  if (verdict === 'other') throw new MailboxError('FORBIDDEN', `You are let in, but not as ${person}.`);
  throw new MailboxError('UNAUTHORIZED', 'This link has expired, or there was none. Ask for a new invitation link.');
}
