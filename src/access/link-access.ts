import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { MailboxName } from '../mailbox-name.ts';
import type { Access, Verdict } from './access.ts';
import type { RequestPlace } from './request-place.ts';
import type { Invitations } from './invitations.ts';

export interface Admitted {
  /** Whose key it was: a person's, or an administrator's. */
  readonly whose: { readonly person: MailboxName } | { readonly administrator: MailboxName };
  /** The header that sets the cookie. */
  readonly cookie: string;
}

/** All that an administrator's cookie is sent to: it opens nothing else. */
const ADMINISTRATORS_PATH = 'inspect';

/**
 * Whoever has an invitation link. The page trades its key for a cookie, one per person, so that two people can use one
 * browser; scripts send it as `Authorization: Bearer`.
 */
export class LinkAccess implements Access {
  readonly name = 'links';
  readonly #invitations: Invitations;
  readonly #administrators: Invitations;
  readonly #placeOf: (req: IncomingMessage) => RequestPlace;

  constructor(invitations: Invitations, administrators: Invitations, placeOf: (req: IncomingMessage) => RequestPlace) {
    this.#invitations = invitations;
    this.#administrators = administrators;
    this.#placeOf = placeOf;
  }

  check(req: IncomingMessage, person: MailboxName): Verdict {
    const { mount, isSecure } = this.#placeOf(req);
    const expected = cookieName(req, person, mount, prefixFor(mount, isSecure));
    const cookies = cookiesOf(req).flatMap(([name, key]) => (name === expected ? [key] : []));
    if ([bearerOf(req), ...cookies].some((key) => this.#personOf(key) === person)) return 'allowed';
    return this.#isAnyone(req) ? 'other' : 'unknown';
  }

  checkAnyone(req: IncomingMessage): Verdict {
    return this.#isAnyone(req) ? 'allowed' : 'unknown';
  }

  checkAdministrator(req: IncomingMessage): Verdict {
    if (keysOf(req).some((key) => this.#administrators.personOf(key) !== undefined)) return 'allowed';
    return this.#isAnyone(req) ? 'other' : 'unknown';
  }

  people(): readonly MailboxName[] {
    return this.#invitations.people();
  }

  /** Trades a key for a cookie; undefined when it is nobody's. */
  admit(req: IncomingMessage, key: string): Admitted | undefined {
    const { mount, isSecure } = this.#placeOf(req);
    const secure = isSecure ? '; Secure' : '';
    const cookie = (name: string, path: string): string =>
      `${name}=${key}; Path=${path}; HttpOnly; SameSite=Strict${secure}`;

    const person = this.#invitations.personOf(key);
    if (person !== undefined) {
      const name = cookieName(req, person, mount, prefixFor(mount, isSecure));
      return { whose: { person }, cookie: `${cookie(name, mount)}; Max-Age=31536000` };
    }
    const administrator = this.#administrators.personOf(key);
    if (administrator === undefined) return undefined;
    // Gone with the browser's session, and sent nowhere else: it shows everybody's mail.
    const path = mount + ADMINISTRATORS_PATH;
    const name = cookieName(req, `${path}/${administrator}`, mount, prefixFor(path, isSecure));
    return { whose: { administrator }, cookie: cookie(name, path) };
  }

  #isAnyone(req: IncomingMessage): boolean {
    return keysOf(req).some((key) => this.#personOf(key) !== undefined);
  }

  #personOf(key: string | undefined): MailboxName | undefined {
    return key === undefined ? undefined : this.#invitations.personOf(key);
  }
}

/** Browsers take a cookie with such a name from https only. */
function prefixFor(path: string, isSecure: boolean): string {
  if (!isSecure) return '';
  return path === '/' ? '__Host-' : '__Secure-';
}

/** One for each person, mount and port. A socket file has no port. */
function cookieName(req: IncomingMessage, whose: string, mount: string, prefix: string): string {
  const hash = createHash('sha256').update(`${mount}\n${whose}`).digest('hex').slice(0, 16);
  return `${prefix}mc_${req.socket.localPort ?? 0}_${hash}`;
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
