import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Headers by which a proxy says that somebody else is asking through it. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip', 'via'];

/** Whether a program on this computer asks, under a name of this computer, and not for somebody else. */
export function isFromThisComputer(req: IncomingMessage): boolean {
  const { remoteAddress = '' } = req.socket;
  return (
    isLoopbackAddress(remoteAddress) &&
    isLoopback(hostOf(req.headers.host)) &&
    !FORWARDED.some((name) => req.headers[name] !== undefined)
  );
}

/** Whether the connection came over loopback, or through a socket file, which has no address. */
export function isToThisComputer({ socket }: IncomingMessage): boolean {
  return socket.localAddress === undefined || isLoopbackAddress(socket.localAddress);
}

export function isLoopback(host: string): boolean {
  if (host === 'localhost' || host.endsWith('.localhost')) return true;
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1' || host === '::ffff:127.0.0.1';
}

/**
 * The URL of a server that listens on `host`. If that is all addresses: the first one that other computers can reach.
 */
export function urlOf(host: string, port: number): string {
  const isEvery = host === '::' || host === '0.0.0.0';
  const name = host === '127.0.0.1' || host === '::1' ? 'localhost' : isEvery ? networkAddress() : host;
  return `http://${isIP(name) === 6 ? `[${name}]` : name}:${port}/`;
}

function networkAddress(): string {
  const faces = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return faces.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? 'localhost';
}

/** The name in a Host header, without port and brackets. */
export function hostOf(host = ''): string {
  const name = /^\[(.*)\](?::\d+)?$/.exec(host)?.[1] ?? host.replace(/:\d+$/, '');
  return name.toLowerCase();
}

function isLoopbackAddress(address: string): boolean {
  return /^(?:::1|(?:::ffff:)?127(?:\.\d+){3})$/.test(address);
}
