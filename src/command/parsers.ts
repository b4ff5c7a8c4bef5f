import { InvalidArgumentError } from 'commander';
import { HOST_NAME } from '../words/chat-options.ts';
import { type ClusterAddress, readClusterAddress } from '../jetstream/address.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import { type MailboxName, personName } from '../words/mailbox-name.ts';

/**
 * Reads the value of an option, or throws what is wrong with it, as the end of a sentence that begins with the option.
 */
type Parser<T> = (text: string) => T;

function expecting<T>(expected: string, read: (text: string) => T | undefined): Parser<T> {
  return (text) => {
    const value = read(text);
    if (value === undefined) throw new InvalidArgumentError(`must be ${expected}, not '${text}'.`);
    return value;
  };
}

export function someText(expected: string): Parser<string> {
  return expecting(expected, (text) => text || undefined);
}

export function oneOf(...choices: readonly string[]): Parser<string> {
  return expecting(`one of ${choices.join(', ')}`, (text) => choices.find((choice) => choice === text));
}

/** A whole number. */
export function whole(least: number, most: number): Parser<number> {
  return expecting(`a whole number from ${least} to ${most}`, (text) => {
    const number = Number(text);
    return /^\d+$/.test(text) && number >= least && number <= most ? number : undefined;
  });
}

/** `5M` is 5 MiB, in bytes. */
export const size = expecting('a size of 1M or more: bytes, or a whole number with K, M or G behind it', (text) => {
  const [, number, unit = ''] = /^(\d{1,12})([KMG]?)$/i.exec(text) ?? [];
  const bytes = Number(number) * 1024 ** ['', 'K', 'M', 'G'].indexOf(unit.toUpperCase());
  return bytes >= 1024 ** 2 && Number.isSafeInteger(bytes) ? bytes : undefined;
});

const NAMES = 'names with commas between them, each of 1 to 64 letters, digits, "-" or "_"';

export const people = expecting(NAMES, (text): readonly MailboxName[] | undefined => {
  try {
    return [...new Set(text.split(',').map((name) => personName(name.trim())))];
  } catch {
    return undefined;
  }
});

export const hostNames = expecting('host names with commas between them', (text) => {
  const names = text.toLowerCase().match(/[^\s,]+/g) ?? [];
  return names.every((name) => HOST_NAME.test(name)) ? names : undefined;
});

export const webAddress = expecting('an address that begins with http', (text) =>
  /^https?:\/\/[^\s#?]+$/.test(text) ? text : undefined,
);

export function command(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('needs a command.');
  return text;
}

export type MetricsPlace = { readonly host: string; readonly port: number } | 'off';

/** IPv6 addresses need brackets, as in a URL. */
export const metricsPlace = expecting('off or [host:]port with a port from 0 to 65535', (text) => {
  if (text === 'off') return text;
  const [, host = '127.0.0.1', port] = /^(?:(\[[^[\]\s]+\]|[^:[\]\s]+):)?(\d+)$/.exec(text) ?? [];
  return Number(port) <= 65_535 ? { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) } : undefined;
}) satisfies Parser<MetricsPlace>;

export type Store = 'files' | ClusterAddress;

/** No error shows the value: it may hold a password. */
export function store(text: string): Store {
  if (text === 'files') return text;
  if (!/^(?:nats|tls):\/\//.test(text)) {
    throw new InvalidArgumentError('must be files, or nats://a,b,c (or tls://): the servers of a NATS cluster.');
  }
  try {
    return readClusterAddress(text);
  } catch (error) {
    throw error instanceof MailboxError ? new InvalidArgumentError(`is wrong: ${error.message}`) : error;
  }
}
