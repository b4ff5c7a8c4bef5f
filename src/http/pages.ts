import type { NextFunction, Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';
import { sendPageFile } from './page-files.ts';

/** Serves the pages in `public`, compressed and with strict headers. */
export function pages(allowFraming: boolean): RequestHandler[] {
  return [pageHeaders(allowFraming), redirectToSlash, sendPageFile];
}

/** Redirects `/chat` to `/chat/` under a mount: the relative addresses in the pages need the slash. */
function redirectToSlash(req: Request, res: Response, next: NextFunction): void {
  const [path = '', ...query] = (req.originalUrl ?? '').split('?');
  if (!req.baseUrl || path !== req.baseUrl) return next();
  // The `./` keeps a mount such as `//example.com` from being read as another site's address.
  const location = [`./${path.slice(path.lastIndexOf('/') + 1)}/`, ...query].join('?');
  // A browser that keeps the redirect opens this address while the server is away: the service worker serves only what is below.
  res.writeHead(308, { Location: location, 'Cache-Control': 'public, max-age=604800' });
  res.end();
}

/**
 * The headers of the pages: nothing inline, nothing from other sites, no referrer, no frames unless allowed. HSTS and
 * upgrade-insecure-requests are left out: they would lock out plain http in a home network.
 */
function pageHeaders(allowFraming: boolean): RequestHandler {
  return helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        objectSrc: ["'none'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        ...(allowFraming ? {} : { frameAncestors: ["'none'"] }),
      },
    },
    ...(allowFraming ? { frameguard: false } : { frameguard: { action: 'deny' as const } }),
    crossOriginOpenerPolicy: false,
    originAgentCluster: false,
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: false,
  });
}
