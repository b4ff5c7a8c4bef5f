import type { IncomingMessage } from 'node:http';

/** How a browser reached the chat, as far as it matters to a cookie. */
export interface RequestPlace {
  /** The path of the mount, with a slash at the end: `/`, `/chat/`. */
  readonly mount: string;
  readonly isSecure: boolean;
}

/** A path that means nothing else in a header. */
const PREFIX = /^(?:\/[\w.~-]+)+$/;

/** With `trustProxy`, X-Forwarded-Proto and -Prefix (the `/chat` that the proxy removed) say how the page was reached. */
export function requestPlace(req: IncomingMessage, trustProxy: boolean): RequestPlace {
  const below = 'baseUrl' in req && typeof req.baseUrl === 'string' ? req.baseUrl : '';
  const isEncrypted = 'encrypted' in req.socket;
  if (!trustProxy) return { mount: `${below}/`, isSecure: isEncrypted };

  const { 'x-forwarded-prefix': prefix = '', 'x-forwarded-proto': proto } = req.headers;
  const above = typeof prefix === 'string' && PREFIX.test(prefix) ? prefix : '';
  return { mount: `${above}${below}/`, isSecure: isEncrypted || proto === 'https' };
}
