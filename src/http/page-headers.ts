import type { RequestHandler } from 'express';
import helmet from 'helmet';

/**
 * The headers of the pages: nothing inline, nothing from elsewhere, no referrer, no frames unless allowed. Without HSTS
 * and upgrade-insecure-requests, which would lock out plain http in a home network.
 */
export function pageHeaders(allowFraming: boolean): RequestHandler {
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
