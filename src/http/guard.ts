import { hostOf, isLoopback, isToThisComputer } from '../access/this-computer.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { header, type Middleware } from './request.ts';

export interface GuardOptions {
  /** Host names under which the chat may be reached, besides those of this computer. `*`: any. */
  readonly allowedHosts: readonly string[];
  /** Hosts that its pages may come from when a proxy has changed the Host header: a name, or `name:port`. */
  readonly pageHosts: readonly string[];
}

/**
 * Refuses requests that another web site had a browser make: under a name that was pointed at us (DNS rebinding), or
 * across origins. Programs other than browsers send none of these headers and pass.
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
 * For a GET that does something. When a browser loads an image over plain http from a name that is not loopback, it does
 * not say which site the image is for, and a neighbouring site (another port, a name beside ours) shares our cookies.
 * There, a GET must have a header that no other site can send.
 */
export const refuseUnprovenSite: Middleware = (req, _res, next) => {
  if (req.method !== 'GET' || header(req, 'sec-fetch-site') !== undefined) return next(); // refuseForeignSites has checked it
  if (/^Bearer /i.test(req.headers.authorization ?? '')) return next();
  const isEncrypted = 'encrypted' in req.socket && req.socket.encrypted === true;
  if (isEncrypted || (isLoopback(hostOf(req.headers.host)) && isToThisComputer(req))) return next();
  throw forbidden('by GET this works only on this computer, over https, or with a key as Authorization. Use POST');
};

/** A prefetch must not move mail: nobody has asked for it yet. */
export const refusePrefetch: Middleware = (req, _res, next) => {
  const purposes = [header(req, 'sec-purpose'), header(req, 'purpose'), header(req, 'x-moz')];
  if (purposes.some((purpose) => purpose?.includes('prefetch')))
    throw forbidden('fetching it ahead of time would move mail');
  next();
};

/** The name in an Origin header, with the port unless it is the usual one. */
function hostOfOrigin(origin: string): string | undefined {
  return (URL.canParse(origin) && new URL(origin).host) || undefined;
}

function forbidden(why: string): MailboxError {
  return new MailboxError('FORBIDDEN', `Refused: ${why}.`);
}
