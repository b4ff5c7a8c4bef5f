import type { IncomingMessage } from 'node:http';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { Standing } from './caller.ts';
import { isFromThisComputer } from './this-computer.ts';

/** Who may do what. `name` is what the picker tells: open, links or the host application's login. */
export interface Access {
  readonly name: Standing['access'];
  /** What the request may do. Rejects only when the application cannot say. */
  standingOf(req: IncomingMessage): Standing | Promise<Standing>;
  /** Whether it may look into every mailbox, where the application has no rule of its own. Left out: nobody may. */
  mayInspect?(req: IncomingMessage): boolean;
  /** Those who were let in by name, whether or not they have ever written. */
  people(): readonly MailboxName[];
}

const EVERYBODY: Standing = { access: 'open', as: 'everybody', known: [] };

/**
 * Everybody who reaches the server may write and read; only this computer sees all the files at once. Behind a proxy of
 * ours everything seems to come from this computer: then nobody does.
 */
export function openAccess(isProxied: boolean): Access {
  return {
    name: 'open',
    standingOf: () => EVERYBODY,
    mayInspect: (req) => !isProxied && isFromThisComputer(req),
    people: () => [],
  };
}
