import type { Identify } from '../words/chat-options.ts';
import type { MailboxError } from '../words/mailbox-error.ts';
import { personName, type MailboxName } from '../words/mailbox-name.ts';
import type { Access } from './access.ts';

const ADVICE =
  "Turn it into a name that is nobody else's, for example: identify: (req) => req.user?.email.replace('@', '_at_')";

/** The person whom the host application names. */
export function loginAccess(identify: Identify): Access {
  return {
    name: 'login',
    standingOf: async (req) => {
      const name: unknown = await identify(req);
      if (!name) return { access: 'login', as: [], known: [], refusal: 'not-signed-in' };
      const person = nameFrom(name);
      return { access: 'login', as: [person], known: [person] };
    },
  };
}

/** A name that cannot be a mailbox is a mistake of the application: its log shows it, its visitors do not. */
function nameFrom(name: unknown): MailboxName {
  try {
    return personName(name);
  } catch (error) {
    const given = typeof name === 'string' ? JSON.stringify(name.slice(0, 256)) : `a value of type ${typeof name}`;
    throw new TypeError(`identify gave ${given}. ${(error as MailboxError).message} ${ADVICE}`, { cause: error });
  }
}
