import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { MailboxError } from '../words/mailbox-error.ts';
import { isMailboxName, type MailboxName } from '../words/mailbox-name.ts';

const Names = z.array(z.custom<MailboxName>((name) => typeof name === 'string' && isMailboxName(name))).readonly();

const Standing = z.object({
  access: z.enum(['open', 'links', 'login']),
  /** Whom the request may act as. */
  as: z.union([z.literal('everybody'), Names]),
  /** Everybody whose credential came with the request, even if it does not count at this address. */
  known: Names,
  /** Why nobody is known. */
  refusal: z.enum(['no-link', 'link-ended', 'not-signed-in']).optional(),
});

const Caller = Standing.extend({
  mayInspect: z.boolean(),
  /** Whether it seems to come from a program on this computer, which may know where the files are. */
  isHere: z.boolean().optional(),
  /** The network address for the rate limits. Left out: no limit. */
  address: z.string().optional(),
  /** The people whom the pages of that process offer. */
  people: Names,
  /** The people who have an invitation there. Only given to a route that needs them. */
  invited: Names.optional(),
  /** Whether a command of somebody who may use the directory asks: it may delete mailboxes. */
  administers: z.boolean().optional(),
  /** The key for a message without one, so that the same request can be made again. */
  messageKey: z.string().optional(),
});

const REFUSALS = {
  'no-link': 'Open the invitation link you were sent. A program sends the key of its link as Authorization: Bearer.',
  'link-ended': 'This link no longer works. Ask for a new one.',
  'not-signed-in': 'You are not signed in. Sign in to the application first.',
} as const;

/** What a request may do with its credential, or without one. */
export type Standing = z.infer<typeof Standing>;

/** Who is asking, as the process says where the request arrived. It travels with a request that is passed on. */
export type Caller = z.infer<typeof Caller>;

/** Somebody who may read the directory anyway: may act as everybody and see everything. */
export const ADMINISTRATOR: Caller = {
  access: 'open',
  as: 'everybody',
  known: [],
  mayInspect: true,
  people: [],
  administers: true,
};

/** Tells the owner of a directory who is asking. It counts only on the socket of the directory. */
export const CALLER_HEADER = 'mailbox-chat-caller';

export function callerHeader(caller: Caller): string {
  return encodeURIComponent(JSON.stringify(caller));
}

/** Who is asking, as the header says. FORBIDDEN if it is missing or malformed. */
export function passedCaller({ headers }: IncomingMessage): Caller {
  try {
    return Caller.parse(JSON.parse(decodeURIComponent(String(headers[CALLER_HEADER]))));
  } catch (cause) {
    throw new MailboxError('FORBIDDEN', `Refused: ${CALLER_HEADER} does not say who is asking.`, { cause });
  }
}

interface Asking {
  readonly caller: Caller;
  /** Finds out again: a link may have ended in the meantime. */
  readonly again: () => Promise<Caller>;
}

/** A property of the request: a WeakMap of all requests makes the garbage collector slow. */
const ASKING = Symbol('who is asking');

type Asked = IncomingMessage & { [ASKING]?: Asking };

/** Sets who is asking, for `callerOf`. */
export function setCaller(
  req: IncomingMessage,
  caller: Caller,
  again = (): Promise<Caller> => Promise.resolve(caller),
) {
  (req as Asked)[ASKING] = { caller, again };
}

/** Whether `setCaller` was called for this request. */
export function hasCaller(req: IncomingMessage): boolean {
  return ASKING in req;
}

export function callerOf(req: IncomingMessage): Caller {
  return askingOf(req).caller;
}

/** Who is asking now, for requests that last longer than a moment. */
export function callerNow(req: IncomingMessage): Promise<Caller> {
  return askingOf(req).again();
}

function askingOf(req: IncomingMessage): Asking {
  const found = (req as Asked)[ASKING];
  if (!found) throw new Error('setCaller was not called for this request');
  return found;
}

/** Lets a caller act as this person. Otherwise throws UNAUTHORIZED, if nobody is known, or FORBIDDEN. */
export function admit(caller: Caller, person: MailboxName): void {
  const { access, as, known } = caller;
  if (as === 'everybody' || as.includes(person)) return;
  admitAnyone(caller);
  const others = known.filter((name) => name !== person).join(' and ');
  if (others === '') {
    const why = 'Your link was opened at another address of this chat. Open it again at this one.';
    throw new MailboxError('FORBIDDEN', why);
  }
  const way = access === 'login' ? `Sign in as ${person} to open it.` : `Only ${person}'s own link opens it.`;
  throw new MailboxError('FORBIDDEN', `You are ${others} here; that is ${person}'s. ${way}`);
}

/** Who is asking, for the rate limits, whomever the request is about. Undefined if it could be anybody. */
export function personAsking({ as }: Caller): MailboxName | undefined {
  return as === 'everybody' ? undefined : as[0];
}

/** Lets in everybody whom the chat knows. Otherwise throws UNAUTHORIZED. */
export function admitAnyone({ as, known, refusal }: Caller): void {
  if (as === 'everybody' || known.length > 0) return;
  throw unauthorized(refusal);
}

/** Says why nobody is known, and what to do. */
export function unauthorized(refusal: Standing['refusal']): MailboxError {
  return new MailboxError('UNAUTHORIZED', refusal ? REFUSALS[refusal] : 'Nobody is known here.');
}

const NO_INSPECTOR = {
  open: 'Refused: this page shows all mailboxes, and only on the computer that runs the chat. Open it there, at localhost.',
  links:
    'Refused: a link opens one mailbox, and this page shows all. If you may read the data directory, start a second chat on it, for that computer only: mailbox-chat --port 2013.',
  login: 'This application does not let you look into the mailboxes.',
} as const;

/** Lets in a caller who may see everybody's mail. */
export function admitInspector({ access, mayInspect }: Caller): void {
  if (!mayInspect) throw new MailboxError('FORBIDDEN', NO_INSPECTOR[access]);
}
