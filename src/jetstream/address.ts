/**
 * Where a cluster is and how it is used, in one line:
 *
 *     nats://a,b,c?replicas=3&shards=8&monitor=http://a:8222,http://b:8222&prefix=MAILBOX&creds=/path&allow=old-server
 */
import { MailboxError } from '../mailbox-error.ts';

/** Which promises may be weakened, each named by its word. */
export const ALLOWANCES = ['fewer-replicas', 'old-server', 'late-sync', 'unchecked-sync'] as const;
export type Allowance = (typeof ALLOWANCES)[number];

export interface ClusterAddress {
  readonly servers: readonly string[];
  readonly replicas?: number;
  readonly shards?: number;
  readonly monitors?: readonly string[];
  readonly prefix?: string;
  readonly credentials?: string;
  readonly allow?: readonly Allowance[];
}

interface Parameter {
  readonly option: keyof ClusterAddress;
  readonly expects: string;
  /** undefined: not acceptable. */
  readonly read: (value: string) => unknown;
}

export const MAX_SHARDS = 1024;
const PREFIX = /^[A-Za-z0-9_-]{1,32}$/;

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  replicas: { option: 'replicas', expects: 'a whole number from 1 to 5', read: (value) => wholeNumber(value, 5) },
  shards: {
    option: 'shards',
    expects: `a whole number from 1 to ${MAX_SHARDS}`,
    read: (value) => wholeNumber(value, MAX_SHARDS),
  },
  monitor: {
    option: 'monitors',
    expects: 'http://host:8222 of every server, with commas between them',
    read: (value) => listOf(value, (one) => /^https?:/.test(one) && URL.canParse(one)),
  },
  prefix: {
    option: 'prefix',
    expects: '1 to 32 letters, digits, "-" or "_"',
    read: (value) => (isPrefix(value) ? value : undefined),
  },
  creds: { option: 'credentials', expects: 'a path', read: (value) => value || undefined },
  allow: {
    option: 'allow',
    expects: `any of ${ALLOWANCES.join(', ')}, with commas between them`,
    read: (value) => listOf(value, (one) => ALLOWANCES.some((allowance) => allowance === one)),
  },
};

/** Throws STORE_FAILED that names what is wrong, without passwords. */
export function readClusterAddress(text: string): ClusterAddress {
  const [hosts = '', query = ''] = text.split(/\?([^]*)/);
  const servers = hosts.split(',').map((server) => server.trim());
  for (const server of servers) serverUrl(server);
  return { servers, ...readParameters(query) };
}

function readParameters(query: string): Partial<ClusterAddress> {
  const options = new Map<string, unknown>();
  for (const [name, value] of new URLSearchParams(query.replaceAll('+', '%2B'))) {
    const parameter = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (!parameter) {
      // After a "?" that belongs to a password there is no name of a parameter.
      const which = /^[\w-]+$/.test(name) ? `the parameter '${name}'` : 'a parameter';
      throw wrong(`${which} is unknown. Use ${Object.keys(PARAMETERS).join(', ')}`);
    }
    if (options.has(parameter.option)) throw wrong(`the parameter '${name}' is there twice`);
    const read = parameter.read(value);
    if (read === undefined) throw wrong(`the parameter '${name}' must be ${parameter.expects}, not '${value}'`);
    options.set(parameter.option, read);
  }
  return Object.fromEntries(options);
}

/** `nats://host:port` or `tls://…`; of several, only the first needs to say which. Throws STORE_FAILED. */
export function serverUrl(server: string): URL {
  const text = server.includes('://') ? server : `nats://${server}`;
  if (URL.canParse(text)) {
    const url = new URL(text);
    const isBare = ['', '/'].includes(url.pathname + url.search + url.hash);
    if (['nats:', 'tls:'].includes(url.protocol) && url.host !== '' && isBare) return url;
  }
  // The text may be half a password: it is not shown.
  throw wrong(
    'a NATS server is nats://host:port or tls://host:port, and "," "/" "?" "@" in a password are %2C %2F %3F %40',
  );
}

export function isPrefix(prefix: string): boolean {
  return PREFIX.test(prefix);
}

/** A server's address, safe to show. */
export function withoutPassword(server: string): string {
  return server.replace(/^(\w+:\/\/)?[^]*@/, '$1');
}

function wholeNumber(text: string, most: number): number | undefined {
  const number = Number(text);
  return /^\d+$/.test(text) && number >= 1 && number <= most ? number : undefined;
}

function listOf(text: string, isFine: (one: string) => boolean): readonly string[] | undefined {
  const list = text.split(',').map((one) => one.trim());
  return list.every(isFine) ? list : undefined;
}

function wrong(what: string): MailboxError {
  return new MailboxError('STORE_FAILED', `${what}.`);
}
