import type { IncomingMessage } from 'node:http';
import type { MailboxName } from '../mailbox-name.ts';
import { isFromThisComputer } from './this-computer.ts';

/** Who may do what. `name` is what the picker tells: open, links or the host application's login. */
export interface Access {
  readonly name: 'open' | 'links' | 'login';
  /** Lets a request act as this person. UNAUTHORIZED without a valid credential, FORBIDDEN with somebody else's. */
  admit(req: IncomingMessage, person: MailboxName): void | Promise<void>;
  /** Lets in whoever belongs here. Otherwise UNAUTHORIZED. */
  admitAnyone(req: IncomingMessage): void | Promise<void>;
  /** Whether a request may see every mailbox, if the application has no rule of its own. Left out: nobody may. */
  mayInspect?(req: IncomingMessage): boolean;
  /** Those who were let in by name, whether or not they have ever written. */
  people(): readonly MailboxName[];
}

/**
 * Everybody who reaches the server may write and read; only this computer sees all the files at once. Behind a proxy of
 * ours everything seems to come from this computer: then nobody does.
 */
export function openAccess(isProxied: boolean): Access {
  return {
    name: 'open',
    admit: () => undefined,
    admitAnyone: () => undefined,
    mayInspect: (req) => !isProxied && isFromThisComputer(req),
    people: () => [],
  };
}
