import type { IncomingMessage } from 'node:http';
import type { MailboxName } from '../mailbox-name.ts';
import { isFromThisComputer } from './this-computer.ts';

/** Who may do what. `name` is what the picker tells: open, links or the host application's login. */
export interface Access {
  readonly name: 'open' | 'links' | 'login';
  /** Whether a request may act as this person: send as them, read their mailbox. */
  check(req: IncomingMessage, person: MailboxName): Verdict | Promise<Verdict>;
  /** Whether it comes from anybody who belongs here. */
  checkAnyone(req: IncomingMessage): Verdict | Promise<Verdict>;
  /** Whether it may look into every mailbox, where the application has no rule of its own. */
  mayInspect(req: IncomingMessage): boolean;
  /** Those who were let in by name, whether or not they have ever written. */
  people(): readonly MailboxName[];
}

/** `unknown`: no credential that counts. `other`: the credential is somebody else's. */
export type Verdict = 'allowed' | 'unknown' | 'other';

/**
 * Everybody who reaches the server may write and read; only this computer sees all the files at once. Behind a proxy of
 * ours everything seems to come from this computer: then nobody does.
 */
export function openAccess(isProxied: boolean): Access {
  return {
    name: 'open',
    check: () => 'allowed',
    checkAnyone: () => 'allowed',
    mayInspect: (req) => !isProxied && isFromThisComputer(req),
    people: () => [],
  };
}
