import type { IncomingMessage } from 'node:http';
import type { Standing } from './caller.ts';
import { isFromThisComputer } from './this-computer.ts';

/** Who may do what. The pages show `name`: open, links or the login of the host application. */
export interface Access {
  readonly name: Standing['access'];
  /** What the request may do. Rejects only when the application cannot say. */
  standingOf(req: IncomingMessage): Standing | Promise<Standing>;
  /** Whether it may see all mailboxes, if the application has no rule of its own. Left out: nobody may. */
  mayInspect?(req: IncomingMessage): boolean;
}

const EVERYBODY: Standing = { access: 'open', as: 'everybody', known: [] };

/**
 * Everybody who reaches the server may write and read; only programs on this computer may see all mailboxes. Behind a
 * proxy of ours, every request seems to come from this computer: then nobody may.
 */
export function openAccess(isProxied: boolean): Access {
  return {
    name: 'open',
    standingOf: () => EVERYBODY,
    mayInspect: (req) => !isProxied && isFromThisComputer(req),
  };
}
