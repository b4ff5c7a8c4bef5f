import type { IncomingMessage } from 'node:http';
import { personName, type MailboxName } from '../mailbox-name.ts';
import type { Identify } from '../chat-options.ts';
import type { Access, Verdict } from './access.ts';

/** Whoever the host application says it is. */
export class LoginAccess implements Access {
  readonly name = 'login';
  readonly #identify: Identify;

  constructor(identify: Identify) {
    this.#identify = identify;
  }

  async check(req: IncomingMessage, person: MailboxName): Promise<Verdict> {
    const name = await this.#identify(req);
    if (!name) return 'unknown';
    return personName(name) === person ? 'allowed' : 'other';
  }

  async checkAnyone(req: IncomingMessage): Promise<Verdict> {
    return (await this.#identify(req)) ? 'allowed' : 'unknown';
  }

  /** The application has said who somebody is, not that they may look into other people's mail. */
  mayInspect(): boolean {
    return false;
  }

  people(): readonly MailboxName[] {
    return [];
  }
}
