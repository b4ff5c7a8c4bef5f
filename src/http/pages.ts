import type { NextFunction, Request, RequestHandler, Response } from 'express';
import helmet from 'helmet';
import { sendPageFile } from './page-files.ts';

/** The pages as they lie in `public`, compressed, with strict headers. */
export function pages(allowFraming: boolean): RequestHandler[] {
  return [pageHeaders(allowFraming), redirectToSlash, sendPageFile];
}

/** Under a mount the pages' relative addresses need the slash: `/chat` → `/chat/`. */
function redirectToSlash(req: Request, res: Response, next: NextFunction): void {
  const [path = '', ...query] = (req.originalUrl ?? '').split('?');
  if (!req.baseUrl || path !== req.baseUrl) return next();
  // With `./`, no name of a mount can be read as another site's address.
  res.writeHead(308, { Location: [`./${path.slice(path.lastIndexOf('/') + 1)}/`, ...query].join('?') });
  res.end();
}

/**
 * The headers of the pages: nothing inline, nothing from elsewhere, no referrer, no frames unless allowed. Without HSTS
 * and upgrade-insecure-requests, which would lock out plain http in a home network.
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
