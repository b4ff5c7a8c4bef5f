import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { MailboxError } from '../words/mailbox-error.ts';
import { isMailboxName, type MailboxName } from '../words/mailbox-name.ts';

const Names = z.array(z.custom<MailboxName>((name) => typeof name === 'string' && isMailboxName(name))).readonly();

const Standing = z.object({
  access: z.enum(['open', 'links', 'login']),
  /** Whom the request may act as. */
  as: z.union([z.literal('everybody'), Names]),
  /** Everybody whose credential came along; a link may have been opened at another address only. */
  known: Names,
  /** Why nobody is known. */
  refusal: z.enum(['no-link', 'link-ended', 'not-signed-in']).optional(),
});

const Caller = Standing.extend({
  mayInspect: z.boolean(),
  /** A program on this computer, as far as can be told: it may know where the files are. */
  isHere: z.boolean().optional(),
  /** The network address that counts for the send limit. Left out: no limit. */
  address: z.string().optional(),
  /** Whom the pages there offer to talk to. */
  people: Names,
  /** Those who were let in there by name. Only told where somebody asks for them. */
  invited: Names.optional(),
  /** Whether it comes from a command of somebody who may use the directory: may delete mailboxes, and is nobody's presence. */
  administers: z.boolean().optional(),
  /** Of a message that brings no key: with one, the same request can be made again. */
  messageKey: z.string().optional(),
});

const REFUSALS = {
  'no-link': 'Open the invitation link you were sent. A program sends the key of its link as Authorization: Bearer.',
  'link-ended': 'This link no longer works. Ask for a new one.',
  'not-signed-in': 'You are not signed in. Sign in to the application first.',
} as const;

/** What a credential, or none, lets a request do. */
export type Standing = z.infer<typeof Standing>;

/** Who is asking, by the word of the process where the request arrived. It travels with a request that is passed on. */
export type Caller = z.infer<typeof Caller>;

/** For who may read the directory anyway: may act as everybody and see everything. */
export const ADMINISTRATOR: Caller = {
  access: 'open',
  as: 'everybody',
  known: [],
  mayInspect: true,
  people: [],
  administers: true,
};

/** Tells the owner of a directory who is asking. Believed only where it comes through the directory's socket. */
export const CALLER_HEADER = 'mailbox-chat-caller';

export function callerHeader(caller: Caller): string {
  return encodeURIComponent(JSON.stringify(caller));
}

/** Who is asking, by the header. FORBIDDEN without, or with one that does not say it. */
export function passedCaller({ headers }: IncomingMessage): Caller {
  try {
    return Caller.parse(JSON.parse(decodeURIComponent(String(headers[CALLER_HEADER]))));
  } catch (cause) {
    throw new MailboxError('FORBIDDEN', `Refused: ${CALLER_HEADER} does not say who is asking.`, { cause });
  }
}

interface Asking {
  readonly caller: Caller;
  /** Looks again: a link may have ended meanwhile. */
  readonly again: () => Promise<Caller>;
}

/** On the request itself: a WeakMap with every request in it makes the garbage collector slow. */
const ASKING = Symbol('who is asking');

type Asked = IncomingMessage & { [ASKING]?: Asking };

/** From now on `callerOf` tells who is asking. */
export function setCaller(
  req: IncomingMessage,
  caller: Caller,
  again = (): Promise<Caller> => Promise.resolve(caller),
) {
  (req as Asked)[ASKING] = { caller, again };
}

/** Whether somebody has said yet who is asking. */
export function hasCaller(req: IncomingMessage): boolean {
  return ASKING in req;
}

export function callerOf(req: IncomingMessage): Caller {
  return askingOf(req).caller;
}

/** Who is asking now, for what lasts longer than a moment. */
export function callerNow(req: IncomingMessage): Promise<Caller> {
  return askingOf(req).again();
}

function askingOf(req: IncomingMessage): Asking {
  const found = (req as Asked)[ASKING];
  if (!found) throw new Error('nobody has said who is asking');
  return found;
}

/** Lets a caller act as this person. Otherwise UNAUTHORIZED, when nobody is known, or FORBIDDEN. */
export function admit(caller: Caller, person: MailboxName): void {
  const { access, as, known } = caller;
  if (as === 'everybody' || as.includes(person)) return;
  admitAnyone(caller);
  const others = known.filter((name) => name !== person).join(' and ');
  if (access === 'login') {
    throw new MailboxError('FORBIDDEN', `You are signed in as ${others}; that does not open ${person}'s mailbox.`);
  }
  throw new MailboxError(
    'FORBIDDEN',
    others === ''
      ? 'Your link was opened at another address of this chat. Open it again at this one.'
      : `Your link belongs to ${others}; it does not open ${person}'s mailbox.`,
  );
}

/** Lets in whoever belongs here. Otherwise UNAUTHORIZED. */
export function admitAnyone({ as, known, refusal }: Caller): void {
  if (as === 'everybody' || known.length > 0) return;
  throw unauthorized(refusal);
}

/** Says why nobody is known, and what to do. */
export function unauthorized(refusal: Standing['refusal']): MailboxError {
  return new MailboxError('UNAUTHORIZED', refusal ? REFUSALS[refusal] : 'Nobody is known here.');
}

const NO_INSPECTOR = {
  open: 'Refused: all mailboxes at once are shown on the computer of the chat only. Open the page there, at localhost.',
  links:
    'Refused: a link opens one mailbox, and this page shows all. If you may read the data directory, start a second chat on it, for that computer only: mailbox-chat --port 2013.',
  login: 'This application does not let you look into the mailboxes.',
} as const;

/** For what shows everybody's mail. */
export function admitInspector({ access, mayInspect }: Caller): void {
  if (!mayInspect) throw new MailboxError('FORBIDDEN', NO_INSPECTOR[access]);
}
