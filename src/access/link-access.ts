import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { MailboxError } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { Access } from './access.ts';
import { unauthorized, type Standing } from './caller.ts';
import type { Invitations } from './invitations.ts';
import type { RequestPlace } from './request-place.ts';

/**
 * Lets in people with an invitation link. The page trades its key for a cookie, one per person, so that two people can
 * use one browser; scripts send the key as `Authorization: Bearer`. A request from this computer needs a link, too: it
 * may come from a client of a proxy here, or from another account.
 */
export class LinkAccess implements Access {
  readonly name = 'links';
  readonly #invitations: Invitations;
  readonly #placeOf: (req: IncomingMessage) => RequestPlace;

  readonly #asked = new WeakMap<IncomingMessage, { readonly version: string; readonly standing: Standing }>();

  constructor(invitations: Invitations, placeOf: (req: IncomingMessage) => RequestPlace) {
    this.#invitations = invitations;
    this.#placeOf = placeOf;
  }

  /** Repeats its answer as long as nobody was invited or revoked: open streams ask every two seconds. */
  standingOf(req: IncomingMessage): Standing {
    const { version } = this.#invitations;
    let asked = this.#asked.get(req);
    if (asked?.version !== version) this.#asked.set(req, (asked = { version, standing: this.#standingNow(req) }));
    return asked.standing;
  }

  /** The people who have an invitation, whether or not they have ever written. */
  people(): readonly MailboxName[] {
    return this.#invitations.people();
  }

  /** Trades a key for a Set-Cookie header. UNAUTHORIZED for an unknown key, INVALID_REQUEST if the path fits no cookie. */
  trade(req: IncomingMessage, key: string): { person: MailboxName; cookie: string } {
    void this.#invitations.version; // reads the file
    const person = this.#invitations.personOf(key);
    if (person === undefined) throw unauthorized('link-ended');
    const place = this.#placeOf(req);
    if (!COOKIE_PATH.test(place.mount)) throw new MailboxError('INVALID_REQUEST', NO_PATH);
    const secure = place.isSecure ? '; Secure' : '';
    const attributes = `Path=${place.mount}; HttpOnly; SameSite=Strict${secure}; Max-Age=31536000`;
    return { person, cookie: `${cookieName(req, person, place)}=${key}; ${attributes}` };
  }

  /** Whether a link of this person came with the request that no longer works, even if others do. */
  hasEnded(req: IncomingMessage, person: MailboxName): boolean {
    void this.#invitations.version; // reads the file
    const name = cookieName(req, person, this.#placeOf(req));
    return keysOf(req).some(({ key, cookie }) => cookie === name && this.#invitations.personOf(key) !== person);
  }

  #standingNow(req: IncomingMessage): Standing {
    const keys = keysOf(req);
    const found = keys.flatMap(({ key, cookie }) => {
      const person = this.#invitations.personOf(key);
      return person === undefined ? [] : [{ person, cookie }];
    });
    const known = peopleIn(found);
    if (known.length === 0) {
      return { access: 'links', as: [], known, refusal: keys.length > 0 ? 'link-ended' : 'no-link' };
    }
    const place = this.#placeOf(req);
    const counting = found.filter(
      ({ person, cookie }) => cookie === undefined || cookie === cookieName(req, person, place),
    );
    return { access: 'links', as: peopleIn(counting), known };
  }
}

function peopleIn(found: readonly { readonly person: MailboxName }[]): MailboxName[] {
  return [...new Set(found.map(({ person }) => person))];
}

/** A semicolon would begin another attribute of the cookie. */
const COOKIE_PATH = /^[\x21-\x3a\x3c-\x7e]+$/;
const NO_PATH =
  'No cookie can be limited to this path: it has a ";" or a character outside ASCII. Mount the chat at another path.';

/** A cookie for each person, mount and port. A socket file has no port. */
function cookieName(req: IncomingMessage, person: MailboxName, { mount, isSecure }: RequestPlace): string {
  const hash = createHash('sha256').update(`${mount}\n${person}`).digest('hex').slice(0, 16);
  return `${isSecure ? securePrefix(mount) : ''}mc_${req.socket.localPort ?? 0}_${hash}`;
}

/** Browsers accept a cookie with such a name only over https. */
function securePrefix(mount: string): string {
  return mount === '/' ? '__Host-' : '__Secure-';
}

const OUR_COOKIES = /(?<=^|;)\s*((?:__Host-|__Secure-)?mc_\d+_[0-9a-f]{16}=[^;=\s]*)/g;

interface Key {
  readonly key: string;
  /** The name of its cookie; left out if it came as Bearer. */
  readonly cookie?: string;
}

/** More than any browser has. Each costs a hash. */
const MAX_COOKIES = 20;

/**
 * The Bearer key, and the keys in the first 20 different cookies of ours. A name may come twice, because a neighbouring
 * site can add cookies. With twenty of them it can keep somebody out, but it lets nobody in.
 */
function keysOf({ headers }: IncomingMessage): Key[] {
  const bearer = /^Bearer (\S{1,256})$/i.exec(headers.authorization ?? '')?.slice(1) ?? [];
  const ours = new Set<string>();
  for (const [, pair = ''] of (headers.cookie ?? '').matchAll(OUR_COOKIES)) {
    if (ours.add(pair).size === MAX_COOKIES) break; // a header may bring hundreds
  }
  return [
    ...bearer.map((key) => ({ key })),
    ...Array.from(ours, (pair) => pair.split('=')).map(([cookie = '', key = '']) => ({ key, cookie })),
  ];
}
