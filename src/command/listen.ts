import { once } from 'node:events';
import type { Server } from 'node:http';
import { isIPv6 } from 'node:net';
import { directoryHash } from '../directory-hash.ts';
import { isErrno } from '../mailbox-error.ts';
import { shown } from './directory.ts';
import { CLEAN, CONFIGURATION, Ending, RUNTIME } from './ending.ts';

const PORTS_TO_TRY = 20;

export interface Place {
  readonly host: string;
  readonly port: number;
  /** What to do when another program has the port: give up, or move on to one of the next. */
  readonly ifTaken: 'fail' | 'next';
  /** Whoever serves this directory already makes us superfluous; left out, whoever is there is only in the way. */
  readonly dir?: string;
  /** The flag that chose it. */
  readonly flag: '--port' | '--metrics';
}

/** Where it will work, on the command line. */
const ADVICE = {
  '--port': { port: '--port 2012', host: '--host 127.0.0.1' },
  '--metrics': { port: '--metrics 9464', host: '--metrics 9464' },
};

/** Listens at `place` and resolves to the port. Rejects with an Ending that says who is there already. */
export async function listen(server: Server, { host, port, ifTaken, dir, flag }: Place): Promise<number> {
  const last = ifTaken === 'next' ? Math.min(port + PORTS_TO_TRY, 65_535) : port;
  for (let tried = port; ; tried++) {
    try {
      return await listenOn(server, host, tried);
    } catch (error) {
      if (!isErrno(error, 'EADDRINUSE')) throw cannotListen(host, tried, flag, error);
      if (dir !== undefined && (await isServing(dir, host, tried))) throw alreadyServing(dir, host, tried);
      if (tried === last) throw taken(tried, flag);
    }
  }
}

/** Where a browser on this machine finds it. */
export function urlOf(host: string, port: number): string {
  if (['127.0.0.1', '::1', 'localhost'].includes(host)) return `http://localhost:${port}/`;
  return `http://${inUrl(host)}:${port}/`;
}

function inUrl(host: string): string {
  return isIPv6(host) ? `[${host}]` : host;
}

async function listenOn(server: Server, host: string, port: number): Promise<number> {
  server.listen(port, host);
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

/** Asks whoever has the port whether it is Mailbox Chat with our directory. Silence, or another answer, is a no. */
async function isServing(dir: string, host: string, port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://${inUrl(host)}:${port}/healthz`, { signal: AbortSignal.timeout(1_000) });
    const health: unknown = await answer.json();
    return isRecord(health) && health['name'] === 'mailbox-chat' && health['directoryHash'] === directoryHash(dir);
  } catch {
    return false;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function alreadyServing(dir: string, host: string, port: number): Ending {
  return new Ending(CLEAN, `Port ${port} is already in use.`, [
    `Mailbox Chat is already serving ${shown(dir)} there → ${urlOf(host, port)}`,
  ]);
}

function taken(port: number, flag: Place['flag']): Ending {
  const another = port < 65_535 ? port + 1 : port - 1;
  return new Ending(RUNTIME, `Port ${port} is already in use by another program.`, [
    `Try: mailbox-chat ${flag} ${another}        See who: lsof -i :${port}`,
  ]);
}

function cannotListen(host: string, port: number, flag: Place['flag'], error: unknown): unknown {
  const where = `${host}, port ${port}`;
  if (isErrno(error, 'EACCES')) {
    const what = `Can't listen on ${where} (EACCES: the system keeps low ports for itself).`;
    return new Ending(CONFIGURATION, what, [`Try: mailbox-chat ${ADVICE[flag].port}`], { cause: error });
  }
  if (isErrno(error, 'EADDRNOTAVAIL', 'ENOTFOUND', 'EINVAL')) {
    const what = `Can't listen on ${where} (${error.code}: this machine has no such address).`;
    return new Ending(CONFIGURATION, what, [`Try: mailbox-chat ${ADVICE[flag].host}`], { cause: error });
  }
  return error;
}
