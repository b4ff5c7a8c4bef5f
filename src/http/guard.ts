import { hostOf, isLoopback, isToThisComputer } from '../access/this-computer.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { header, type Middleware } from './request.ts';

export interface GuardOptions {
  /** Names, besides those of this computer, that the chat may be called by. `*`: any. */
  readonly allowedHosts: readonly string[];
  /** Where its pages may come from though a proxy has changed the Host header: a name, or `name:port`. */
  readonly pageHosts: readonly string[];
}

/**
 * Refuses requests that another web site had a browser make: by a name that was pointed at us (DNS rebinding), or
 * across origins. Programs that are no browser send none of these headers and pass.
 */
export function refuseForeignSites({ allowedHosts, pageHosts }: GuardOptions): Middleware {
  return (req, _res, next) => {
    const host = hostOf(req.headers.host);
    if (!allowedHosts.includes('*') && !isLoopback(host) && !allowedHosts.includes(host)) {
      throw forbidden(`this chat is not called "${host}". Call it localhost, or allow the name with --allowed-host`);
    }
    const site = header(req, 'sec-fetch-site');
    if (site === 'same-origin' || (site === 'none' && req.method === 'GET')) return next();
    if (site !== undefined) throw forbidden('another web site asked for it');
    const { origin } = req.headers;
    if (origin === undefined) return next();
    const from = hostOfOrigin(origin);
    if (from === undefined || (from !== req.headers.host?.toLowerCase() && !pageHosts.includes(from))) {
      throw forbidden('another web site asked for it');
    }
    next();
  };
}

/**
 * For a GET that does something. To a name that is not loopback, on plain http, browsers do not say which site an image
 * is for, and a neighbouring site (another port, a name beside ours) is sent the cookies too: there it takes a header that
 * no other site can have sent.
 */
export const refuseUnprovenSite: Middleware = (req, _res, next) => {
  if (req.method !== 'GET' || header(req, 'sec-fetch-site') !== undefined) return next(); // that has been looked at
  if (/^Bearer /i.test(req.headers.authorization ?? '')) return next();
  const isEncrypted = 'encrypted' in req.socket && req.socket.encrypted === true;
  if (isEncrypted || (isLoopback(hostOf(req.headers.host)) && isToThisComputer(req))) return next();
  throw forbidden('by GET this works on this computer, by https or with a key as Authorization only. Use POST');
};

/** Looking ahead must not move mail: nobody has asked for it yet. */
export const refusePrefetch: Middleware = (req, _res, next) => {
  const purposes = [header(req, 'sec-purpose'), header(req, 'purpose'), header(req, 'x-moz')];
  if (purposes.some((purpose) => purpose?.includes('prefetch')))
    throw forbidden('fetching it ahead of time would move mail');
  next();
};

/** Its name, and its port unless that is the usual one. */
function hostOfOrigin(origin: string): string | undefined {
  return (URL.canParse(origin) && new URL(origin).host) || undefined;
}

function forbidden(why: string): MailboxError {
  return new MailboxError('FORBIDDEN', `Refused: ${why}.`);
}
