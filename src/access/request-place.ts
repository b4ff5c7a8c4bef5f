import type { IncomingMessage } from 'node:http';

/** What a cookie has to know of where the chat was found. */
export interface RequestPlace {
  /** Where it is mounted, with a slash at the end: `/`, `/chat/`. */
  readonly mount: string;
  readonly isSecure: boolean;
}

/** A path that cannot be read as anything else in a header. */
const PREFIX = /^(?:\/[\w.~-]+)+$/;

/** With `trustProxy`, X-Forwarded-Proto and -Prefix (`/chat`: what the proxy took off) say how the page was found. */
export function requestPlace(req: IncomingMessage, trustProxy: boolean): RequestPlace {
  const below = 'baseUrl' in req && typeof req.baseUrl === 'string' ? req.baseUrl : '';
  const isEncrypted = 'encrypted' in req.socket;
  if (!trustProxy) return { mount: `${below}/`, isSecure: isEncrypted };

  const { 'x-forwarded-prefix': prefix = '', 'x-forwarded-proto': proto } = req.headers;
  const above = typeof prefix === 'string' && PREFIX.test(prefix) ? prefix : '';
  return { mount: `${above}${below}/`, isSecure: isEncrypted || proto === 'https' };
}
