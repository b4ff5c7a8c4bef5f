import type { IncomingMessage } from 'node:http';
import type { Identify } from '../chat-options.ts';
import { MailboxError } from '../mailbox-error.ts';
import { personName, type MailboxName } from '../mailbox-name.ts';
import type { Access } from './access.ts';

const ADVICE =
  "Turn it into a name that is nobody else's, for example: identify: (req) => req.user?.email.replace('@', '_at_')";

/** Whoever the host application says it is. */
export function loginAccess(identify: Identify): Access {
  const personAsking = async (req: IncomingMessage): Promise<MailboxName> => {
    const name: unknown = await identify(req);
    if (!name) throw new MailboxError('UNAUTHORIZED', 'You are not signed in. Sign in to the application first.');
    return nameFrom(name);
  };
  return {
    name: 'login',
    admit: async (req, person) => {
      const asking = await personAsking(req);
      if (asking === person) return;
      throw new MailboxError('FORBIDDEN', `You are signed in as ${asking}; that does not open ${person}'s mailbox.`);
    },
    admitAnyone: async (req) => void (await personAsking(req)),
    people: () => [],
  };
}

/** A name that cannot be a mailbox is the application's mistake: its log shows it, not its visitor. */
function nameFrom(name: unknown): MailboxName {
  try {
    return personName(name);
  } catch (error) {
    const given = typeof name === 'string' ? JSON.stringify(name.slice(0, 256)) : `a value of type ${typeof name}`;
    throw new TypeError(`identify gave ${given}. ${(error as MailboxError).message} ${ADVICE}`, { cause: error });
  }
}
