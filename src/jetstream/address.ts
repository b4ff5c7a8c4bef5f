/**
 * The address of a cluster and how to use it, in one line:
 *
 *     nats://a,b,c?replicas=3&shards=8&monitor=http://a:8222,http://b:8222&prefix=MAILBOX&creds=/path&allow=old-server
 */
import { MailboxError } from '../words/mailbox-error.ts';
import type { JetStreamMailboxesOptions } from './jetstream-options.ts';

/** The guarantees that a user may give up, each by its name. */
export const ALLOWANCES = ['fewer-replicas', 'old-server', 'late-sync', 'unchecked-sync'] as const;
export type Allowance = (typeof ALLOWANCES)[number];

export interface ClusterAddress extends JetStreamMailboxesOptions {
  readonly servers: readonly string[];
}

interface Parameter {
  readonly option: keyof ClusterAddress;
  readonly mustBe: string;
  /** Gives undefined for a wrong value. */
  readonly read: (text: string) => unknown;
}

const PARAMETERS: Readonly<Record<string, Parameter>> = {
  replicas: wholeNumber('replicas', 5),
  shards: wholeNumber('shards', 1024),
  monitor: listOf('monitors', 'http://host:8222 of every server', (one) => /^https?:/.test(one) && URL.canParse(one)),
  prefix: textLike('prefix', '1 to 32 letters, digits, "-" or "_"', /^[A-Za-z0-9_-]{1,32}$/),
  creds: textLike('credentials', 'a path', /./s),
  allow: listOf('allow', `any of ${ALLOWANCES.join(', ')}`, (one) => ALLOWANCES.some((allowance) => allowance === one)),
};

/** Throws STORE_FAILED, which says what is wrong and shows no password. */
export function readClusterAddress(text: string): ClusterAddress {
  const [hosts = '', query = ''] = text.split(/\?([^]*)/);
  const servers = hosts.split(',').map((server) => server.trim());
  for (const server of servers) serverUrl(server);
  const options = new Map<string, unknown>();
  for (const [name, value] of new URLSearchParams(query.replaceAll('+', '%2B'))) {
    const parameter = Object.hasOwn(PARAMETERS, name) ? PARAMETERS[name] : undefined;
    if (!parameter) {
      // The "?" may be part of a password: then what follows is not the name of a parameter.
      const which = /^[\w-]+$/.test(name) ? `the parameter '${name}'` : 'a parameter';
      throw wrong(`${which} is unknown. Use ${Object.keys(PARAMETERS).join(', ')}`);
    }
    const { option, mustBe, read } = parameter;
    if (options.has(option)) throw wrong(`the parameter '${name}' is given twice`);
    options.set(option, read(value));
    if (options.get(option) === undefined) throw wrong(`the parameter '${name}' must be ${mustBe}, not '${value}'`);
  }
  return { servers, ...Object.fromEntries(options) };
}

/** Checks an option that did not come from an address. Throws RangeError. */
export function checkOption(name: 'prefix' | 'shards', value: string | number): void {
  const { mustBe, read } = PARAMETERS[name]!;
  if (read(String(value)) === undefined) throw new RangeError(`${name} must be ${mustBe}`);
}

/** Reads `nats://host:port` or `tls://…`; without a scheme it is nats. Throws STORE_FAILED. */
export function serverUrl(server: string): URL {
  const text = server.includes('://') ? server : `nats://${server}`;
  if (URL.canParse(text)) {
    const url = new URL(text);
    const isBare = ['', '/'].includes(url.pathname + url.search + url.hash);
    if (['nats:', 'tls:'].includes(url.protocol) && url.host !== '' && isBare) return url;
  }
  // The error does not show the text: it may be half a password.
  throw wrong(
    'a NATS server is nats://host:port or tls://host:port, and "," "/" "?" "@" in a password are %2C %2F %3F %40',
  );
}

/** The address of a server, safe to show. */
export function withoutPassword(server: string): string {
  return server.replace(/^(\w+:\/\/)?[^]*@/, '$1');
}

function wholeNumber(option: keyof ClusterAddress, most: number): Parameter {
  const fits = (text: string): boolean => /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= most;
  return {
    option,
    mustBe: `a whole number from 1 to ${most}`,
    read: (text) => (fits(text) ? Number(text) : undefined),
  };
}

function textLike(option: keyof ClusterAddress, mustBe: string, form: RegExp): Parameter {
  return { option, mustBe, read: (text) => (form.test(text) ? text : undefined) };
}

function listOf(option: keyof ClusterAddress, mustBe: string, fits: (one: string) => boolean): Parameter {
  const read = (text: string): unknown => {
    const list = text.split(',').map((one) => one.trim());
    return list.every(fits) ? list : undefined;
  };
  return { option, mustBe: `${mustBe}, with commas between them`, read };
}

function wrong(what: string): MailboxError {
  return new MailboxError('STORE_FAILED', `${what}.`);
}
