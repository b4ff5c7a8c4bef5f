import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';
import type { Access } from './access.ts';
import type { Invitations } from './invitations.ts';
import type { RequestPlace } from './request-place.ts';

/**
 * Whoever has an invitation link. The page trades its key for a cookie, one per person, so that two people can use one
 * browser; scripts send it as `Authorization: Bearer`. Coming from this computer proves nothing: so do the clients of a
 * proxy here, and other accounts.
 */
export class LinkAccess implements Access {
  readonly name = 'links';
  readonly #invitations: Invitations;
  readonly #placeOf: (req: IncomingMessage) => RequestPlace;

  constructor(invitations: Invitations, placeOf: (req: IncomingMessage) => RequestPlace) {
    this.#invitations = invitations;
    this.#placeOf = placeOf;
  }

  admit(req: IncomingMessage, person: MailboxName): void {
    const expected = cookieName(req, person, this.#placeOf(req));
    if (this.#peopleOf(keysOf(req, (cookie) => cookie === expected)).includes(person)) return;
    const others = new Set(this.#peopleAsking(req));
    others.delete(person);
    throw new MailboxError(
      'FORBIDDEN',
      others.size > 0
        ? `Your link belongs to ${[...others].join(' and ')}; it does not open ${person}'s mailbox.`
        : 'Your link was opened at another address of this chat. Open it again at this one.',
    );
  }

  admitAnyone(req: IncomingMessage): void {
    this.#peopleAsking(req);
  }

  people(): readonly MailboxName[] {
    return this.#invitations.people();
  }

  /** Trades a key for a cookie, as a Set-Cookie header; UNAUTHORIZED when the key is nobody's. */
  trade(req: IncomingMessage, key: string): { person: MailboxName; cookie: string } {
    const person = this.#invitations.personOf(key);
    if (person === undefined) throw linkHasEnded();
    const place = this.#placeOf(req);
    const secure = place.isSecure ? '; Secure' : '';
    const attributes = `Path=${place.mount}; HttpOnly; SameSite=Strict${secure}; Max-Age=31536000`;
    return { person, cookie: `${cookieName(req, person, place)}=${key}; ${attributes}` };
  }

  /** Those whose links were sent along: two people may use one browser. */
  #peopleAsking(req: IncomingMessage): MailboxName[] {
    const keys = keysOf(req);
    const people = this.#peopleOf(keys);
    if (people.length > 0) return people;
    if (keys.length > 0) throw linkHasEnded();
    throw new MailboxError(
      'UNAUTHORIZED',
      'Open the invitation link you were sent. A program sends the key of its link as Authorization: Bearer.',
    );
  }

  #peopleOf(keys: readonly string[]): MailboxName[] {
    return keys.flatMap((key) => this.#invitations.personOf(key) ?? []);
  }
}

function linkHasEnded(): MailboxError {
  return new MailboxError('UNAUTHORIZED', 'This link no longer works. Ask for a new one.');
}

/** One for each person, mount and port. A socket file has no port. */
function cookieName(req: IncomingMessage, person: MailboxName, { mount, isSecure }: RequestPlace): string {
  const hash = createHash('sha256').update(`${mount}\n${person}`).digest('hex').slice(0, 16);
  return `${isSecure ? securePrefix(mount) : ''}mc_${req.socket.localPort ?? 0}_${hash}`;
}

/** Browsers take a cookie with such a name from https only. */
function securePrefix(mount: string): string {
  return mount === '/' ? '__Host-' : '__Secure-';
}

const OUR_COOKIE = /^(?:__Host-|__Secure-)?mc_\d+_[0-9a-f]{16}$/;
const isOurs = (cookie: string): boolean => OUR_COOKIE.test(cookie);

/**
 * The Bearer key, and those in cookies of these names. A name may come twice: a neighbouring site can add a
 * cookie that does not count, but cannot remove ours.
 */
function keysOf(req: IncomingMessage, counts = isOurs): string[] {
  const bearer = /^Bearer (\S{1,256})$/i.exec(req.headers.authorization ?? '')?.slice(1) ?? [];
  const cookies = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('=', 2));
  return [...bearer, ...cookies.flatMap(([name = '', key = '']) => (counts(name) ? [key] : []))];
}
