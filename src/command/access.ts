import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { CONFIGURATION, Ending } from './ending.ts';
import type { Settings } from './options.ts';

export type AccessMode = 'open' | 'links';

/** How people get in, and by which names the chat may be called. */
export interface AccessSettings {
  readonly access: AccessMode;
  readonly allowedHosts: readonly string[];
}

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8);
loopback.addAddress('::1', 'ipv6');

/** Open to everyone on this computer; to a network, or behind a proxy, only by invitation links unless that is asked for. */
export function accessSettings(settings: Settings): AccessSettings {
  const { host, access, 'allowed-host': allowed, 'open-to-everyone': toEveryone } = settings;
  if (toEveryone) return { access: 'open', allowedHosts: ['*'] };
  if (access === 'open' && !isLoopback(host)) {
    throw new Ending(CONFIGURATION, `--access open with --host ${host} would let everybody read and write all mail.`, [
      'Leave out --access open: people then get in by invitation links (mailbox-chat invite henry).',
      'If everybody really may: --open-to-everyone',
    ]);
  }
  const isReachable = !isLoopback(host) || settings['trust-proxy'];
  const fitting = isReachable ? 'links' : 'open';
  return { access: access === 'auto' ? fitting : access, allowedHosts: allowed };
}

/** What the banner says about other computers. */
export function networkNote({ access, allowedHosts }: AccessSettings, host: string): string {
  if (access === 'links') return 'invitation links only (mailbox-chat invite <who>)';
  if (allowedHosts.includes('*')) return 'OPEN TO EVERYONE who can reach this port: all mail can be read and written';
  return isLoopback(host) ? 'use --host to let another computer in (with invitation links)' : host;
}

/** Addresses of this computer that others in the network may reach. */
export function networkAddresses(host: string): string[] {
  if (isLoopback(host)) return [];
  if (isIP(host) !== 0 && host !== '::' && host !== '0.0.0.0') return [host];
  return Object.values(networkInterfaces())
    .flat()
    .flatMap((face) => (face && !face.internal && face.family === 'IPv4' ? [face.address] : []));
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  return isIP(host) !== 0 && loopback.check(host, isIP(host) === 6 ? 'ipv6' : 'ipv4');
}
