import type { IncomingMessage } from 'node:http';
import type { MailboxError } from '../mailbox-error.ts';
import { personName, type MailboxName } from '../mailbox-name.ts';
import type { Identify } from '../chat-options.ts';
import type { Access, Verdict } from './access.ts';

const ADVICE =
  "Make a name of it that is nobody else's, for example: identify: (req) => req.user?.email.replace('@', '_at_')";

/** Whoever the host application says it is. */
export class LoginAccess implements Access {
  readonly name = 'login';
  readonly #identify: Identify;

  constructor(identify: Identify) {
    this.#identify = identify;
  }

  async check(req: IncomingMessage, person: MailboxName): Promise<Verdict> {
    const name = await this.#personAsking(req);
    if (name === undefined) return 'unknown';
    return name === person ? 'allowed' : 'other';
  }

  async checkAnyone(req: IncomingMessage): Promise<Verdict> {
    return (await this.#personAsking(req)) === undefined ? 'unknown' : 'allowed';
  }

  /** The application has said who somebody is, not that they may look into other people's mail. */
  mayInspect(): boolean {
    return false;
  }

  people(): readonly MailboxName[] {
    return [];
  }

  /** A name that cannot be a mailbox is a mistake of the application's: its log tells, not its visitor. */
  async #personAsking(req: IncomingMessage): Promise<MailboxName | undefined> {
    const name: unknown = await this.#identify(req);
    if (!name) return undefined;
    try {
      return personName(name);
    } catch (error) {
      const given = typeof name === 'string' ? JSON.stringify(name.slice(0, 256)) : `a value of type ${typeof name}`;
      throw new TypeError(`identify gave ${given}. ${(error as MailboxError).message} ${ADVICE}`, { cause: error });
    }
  }
}
