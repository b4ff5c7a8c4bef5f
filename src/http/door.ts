import type { IncomingMessage } from 'node:http';
import type { Access } from '../access/access.ts';
import type { MayInspect } from '../chat-options.ts';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';

/** Lets a request in, or says why not: 401 without a credential that counts, 403 with somebody else's. */
export class Door {
  readonly access: Access;
  readonly #mayInspect: MayInspect;

  constructor(access: Access, mayInspect?: MayInspect) {
    this.access = access;
    this.#mayInspect = mayInspect ?? ((req) => access.mayInspect?.(req));
  }

  /** For what only this person may do. */
  async admit(req: IncomingMessage, person: MailboxName): Promise<void> {
    await this.access.admit(req, person);
  }

  /** For what everybody may do who belongs here. */
  async admitAnyone(req: IncomingMessage): Promise<void> {
    await this.access.admitAnyone(req);
  }

  /** For what shows everybody's mail. */
  async admitInspector(req: IncomingMessage): Promise<void> {
    if ((await this.#mayInspect(req)) !== true) throw new MailboxError('FORBIDDEN', NO_INSPECTOR[this.access.name]);
  }
}

const NO_INSPECTOR = {
  open: 'Refused: all mailboxes at once are shown on the computer of the chat only. Open the page there, at localhost.',
  links:
    'Refused: a link opens one mailbox, and this page shows all. If you may read the data directory, start a second chat on it, for that computer only: mailbox-chat --port 2013.',
  login: 'This application does not let you look into the mailboxes.',
} as const;
