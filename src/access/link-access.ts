import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { MailboxName } from '../mailbox-name.ts';
import type { Access, Verdict } from './access.ts';
import type { RequestPlace } from './request-place.ts';
import type { Invitations } from './invitations.ts';

export interface Admitted {
  /** Whose key it was. */
  readonly person: MailboxName;
  /** The header that sets the cookie. */
  readonly cookie: string;
}

/**
 * Whoever has an invitation link. The page trades its key for a cookie, one per person, so that two people can use one
 * browser; scripts send it as `Authorization: Bearer`.
 */
export class LinkAccess implements Access {
  readonly name = 'links';
  readonly #invitations: Invitations;
  readonly #placeOf: (req: IncomingMessage) => RequestPlace;

  constructor(invitations: Invitations, placeOf: (req: IncomingMessage) => RequestPlace) {
    this.#invitations = invitations;
    this.#placeOf = placeOf;
  }

  check(req: IncomingMessage, person: MailboxName): Verdict {
    const { mount, isSecure } = this.#placeOf(req);
    const expected = cookieName(req, person, mount, isSecure);
    const cookies = cookiesOf(req).flatMap(([name, key]) => (name === expected ? [key] : []));
    if ([bearerOf(req), ...cookies].some((key) => this.#personOf(key) === person)) return 'allowed';
    return this.#isAnyone(req) ? 'other' : 'unknown';
  }

  checkAnyone(req: IncomingMessage): Verdict {
    return this.#isAnyone(req) ? 'allowed' : 'unknown';
  }

  /** Coming from this computer proves nothing: so do a proxy's clients, and whoever has another account here. */
  mayInspect(): boolean {
    return false;
  }

  people(): readonly MailboxName[] {
    return this.#invitations.people();
  }

  /** Trades a key for a cookie; undefined when it is nobody's. */
  admit(req: IncomingMessage, key: string): Admitted | undefined {
    const person = this.#invitations.personOf(key);
    if (person === undefined) return undefined;
    const { mount, isSecure } = this.#placeOf(req);
    const name = cookieName(req, person, mount, isSecure);
    const secure = isSecure ? '; Secure' : '';
    return { person, cookie: `${name}=${key}; Path=${mount}; HttpOnly; SameSite=Strict${secure}; Max-Age=31536000` };
  }

  #isAnyone(req: IncomingMessage): boolean {
    return keysOf(req).some((key) => this.#personOf(key) !== undefined);
  }

  #personOf(key: string | undefined): MailboxName | undefined {
    return key === undefined ? undefined : this.#invitations.personOf(key);
  }
}

/** One for each person, mount and port. A socket file has no port. */
function cookieName(req: IncomingMessage, person: MailboxName, mount: string, isSecure: boolean): string {
  const hash = createHash('sha256').update(`${mount}\n${person}`).digest('hex').slice(0, 16);
  return `${isSecure ? securePrefix(mount) : ''}mc_${req.socket.localPort ?? 0}_${hash}`;
}

/** Browsers take a cookie with such a name from https only. */
function securePrefix(mount: string): string {
  return mount === '/' ? '__Host-' : '__Secure-';
}

function keysOf(req: IncomingMessage): string[] {
  const bearer = bearerOf(req);
  return [...(bearer === undefined ? [] : [bearer]), ...cookiesOf(req).map(([, key]) => key)];
}

function bearerOf(req: IncomingMessage): string | undefined {
  return /^Bearer (\S{1,256})$/i.exec(req.headers.authorization ?? '')?.[1];
}

const OUR_COOKIE = /^(?:__Host-|__Secure-)?mc_\d+_[0-9a-f]{16}$/;

/** All of ours. A name may come twice: a neighbouring site can add one that does not count, but not take ours away. */
function cookiesOf(req: IncomingMessage): (readonly [name: string, key: string])[] {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim().split('=', 2));
  return pairs.flatMap(([name = '', key = '']) => (OUR_COOKIE.test(name) ? [[name, key] as const] : []));
}
