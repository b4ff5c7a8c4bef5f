import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { MailboxName } from '../mailbox-name.ts';
import type { Access, Verdict } from './access.ts';
import type { Invitations } from './invitations.ts';

export interface RequestPlace {
  /** Where the chat is mounted, with a slash at the end: `/`, `/chat/`. */
  readonly mount: string;
  readonly isSecure: boolean;
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
    const cookieName = this.#cookieName(req, person);
    const cookies = cookiesOf(req).flatMap(([name, key]) => (name === cookieName ? [key] : []));
    if ([bearerOf(req), ...cookies].some((key) => this.#personOf(key) === person)) return 'allowed';
    return this.#isAnyone(req) ? 'other' : 'unknown';
  }

  checkAnyone(req: IncomingMessage): Verdict {
    return this.#isAnyone(req) ? 'allowed' : 'unknown';
  }

  people(): readonly MailboxName[] {
    return this.#invitations.people();
  }

  /** Trades a key for a cookie: whose it is and the header that sets it, or undefined. */
  admit(req: IncomingMessage, key: string): { person: MailboxName; cookie: string } | undefined {
    const person = this.#invitations.personOf(key);
    if (person === undefined) return undefined;
    const { mount, isSecure } = this.#placeOf(req);
    const secure = isSecure ? '; Secure' : '';
    const cookie = `${this.#cookieName(req, person)}=${key}; Path=${mount}; HttpOnly; SameSite=Strict${secure}; Max-Age=31536000`;
    return { person, cookie };
  }

  #isAnyone(req: IncomingMessage): boolean {
    const keys = [bearerOf(req), ...cookiesOf(req).map(([, key]) => key)];
    return keys.some((key) => this.#personOf(key) !== undefined);
  }

  #personOf(key: string | undefined): MailboxName | undefined {
    return key === undefined ? undefined : this.#invitations.personOf(key);
  }

  #cookieName(req: IncomingMessage, person: MailboxName): string {
    const { mount, isSecure } = this.#placeOf(req);
    const prefix = isSecure ? (mount === '/' ? '__Host-' : '__Secure-') : '';
    const hash = createHash('sha256').update(`${mount}\n${person}`).digest('hex').slice(0, 16);
    // A socket file has no port.
    return `${prefix}mc_${req.socket.localPort ?? 0}_${hash}`;
  }
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
