import { isLoopback } from '../access/this-computer.ts';
import { CONFIGURATION, Ending } from './ending.ts';

export interface AccessOptions {
  readonly host: string;
  readonly access: 'open' | 'links' | 'auto';
  readonly allowedHost: readonly string[];
  readonly openToEveryone: boolean;
  readonly trustProxy: boolean;
}

/** How people get in, and under which host names the chat may be reached. */
export interface AccessSettings {
  readonly access: 'open' | 'links';
  readonly allowedHosts: readonly string[];
}

/**
 * On this computer alone, the chat is open to everyone. On a network or behind a proxy, people need invitation links.
 */
export function accessSettings(options: AccessOptions): AccessSettings {
  const { host, access, allowedHost: allowedHosts, openToEveryone, trustProxy } = options;
  if (openToEveryone) return { access: 'open', allowedHosts: ['*'] };
  if (access === 'open' && !isLoopback(host)) {
    throw new Ending(CONFIGURATION, `--access open with --host ${host} would let everybody read and write all mail.`, [
      'Leave out --access open: people then get in by invitation links (mailbox-chat invite henry).',
      'If everybody really may do that: --open-to-everyone',
    ]);
  }
  const fitting = !isLoopback(host) || trustProxy ? 'links' : 'open';
  return { access: access === 'auto' ? fitting : access, allowedHosts };
}

/** What the banner says about other computers. */
export function networkNote({ access, allowedHosts }: AccessSettings, inviting: string): string {
  if (access === 'links') return `links only; a new one: ${inviting}`;
  if (allowedHosts.includes('*')) return 'OPEN TO EVERYONE who can reach this port: all mail can be read and written';
  return 'use --host to let another computer in (with invitation links)';
}
