import type { IncomingMessage } from 'node:http';
import type { Access, Verdict } from '../access/access.ts';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';

/** Tells whether a request may look at every mailbox, by your application's own rule. */
export type MayInspect = (req: IncomingMessage) => boolean | Promise<boolean>;

/** Lets a request in, or says why not: 401 without a credential that counts, 403 with somebody else's. */
export class Door {
  readonly access: Access;

  readonly #mayInspect: MayInspect | undefined;

  constructor(access: Access, mayInspect?: MayInspect) {
    this.access = access;
    this.#mayInspect = mayInspect;
  }

  /** For what only this person may do. */
  async admit(req: IncomingMessage, person: MailboxName): Promise<void> {
    refuseUnless(await this.access.check(req, person), person);
  }

  /** For what everybody may do who belongs here. */
  async admitAnyone(req: IncomingMessage): Promise<void> {
    refuseUnless(await this.access.checkAnyone(req), 'anybody');
  }

  /** For what shows everybody's mail. */
  async admitAdministrator(req: IncomingMessage): Promise<void> {
    const verdict = this.#mayInspect
      ? verdictOf(await this.#mayInspect(req))
      : await this.access.checkAdministrator(req);
    if (verdict === 'other') throw new MailboxError('FORBIDDEN', NO_ADMINISTRATOR[this.access.name]);
    refuseUnless(verdict, 'an administrator');
  }
}

const NO_ADMINISTRATOR = {
  open: 'Refused: all mailboxes at once are shown on the computer of the chat only. Open the page there, at localhost.',
  links: "This takes an administrator's link. Whoever runs the chat makes one: mailbox-chat invite <who> --admin.",
  login: 'This application does not let you look into the mailboxes.',
} as const;

function verdictOf(isAllowed: boolean): Verdict {
  return isAllowed ? 'allowed' : 'other';
}

function refuseUnless(verdict: Verdict, person: string): void {
  if (verdict === 'allowed') return;
  if (verdict === 'other') throw new MailboxError('FORBIDDEN', `You are let in, but not as ${person}.`);
  throw new MailboxError('UNAUTHORIZED', 'This link has expired, or there was none. Ask for a new invitation link.');
}
