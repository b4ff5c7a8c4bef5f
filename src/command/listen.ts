import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { serverAddress } from '../access/server-address.ts';
import { isLoopback } from '../access/this-computer.ts';
import { isErrno } from '../words/mailbox-error.ts';
import { shown } from './directory.ts';
import { CLEAN, CONFIGURATION, Ending, RUNTIME } from './ending.ts';
import { asRoot } from './owner.ts';

const PORTS_TO_TRY = 20;

export interface Place {
  readonly host: string;
  readonly port: number;
  /** What to do if another program has the port: give up, or try the next ports. */
  readonly ifTaken: 'fail' | 'next';
  /** If a server of this directory has the port, that is enough. Left out: any program on the port is in the way. */
  readonly dir?: string;
  readonly flag: '--port' | '--metrics';
}

/** Listens at `place` and resolves to the port. Rejects with an Ending that says who has it. */
export async function listen(server: Server, { host, port, ifTaken, dir, flag }: Place): Promise<number> {
  const last = ifTaken === 'next' ? Math.min(port + PORTS_TO_TRY, 65_535) : port;
  for (let tried = port; ; tried++) {
    try {
      await listenAt(server, host, tried);
      return (server.address() as AddressInfo).port;
    } catch (error) {
      if (!isErrno(error, 'EADDRINUSE')) throw cannotListen(host, tried, flag, error);
      const other = dir === undefined ? undefined : await otherServer(dir, host, tried);
      if (other ?? tried === last) throw other ?? taken(tried, flag);
    }
  }
}

/** As root only where that is needed, for a low port: what the chat writes meanwhile would be root's. */
async function listenAt(server: Server, host: string, port: number): Promise<void> {
  const listening = (): Promise<unknown> => once(server.listen(port, host), 'listening');
  try {
    await listening();
  } catch (error) {
    if (!isErrno(error, 'EACCES')) throw error;
    await asRoot(listening);
  }
}

/** The Ending if a server of the same directory has the port. */
async function otherServer(dir: string, host: string, port: number): Promise<Ending | undefined> {
  const url = await serverAddress(dir);
  if (!url?.endsWith(`:${port}/`)) return undefined;
  const isEnough = isLoopback(host) || !isLoopback(new URL(url).hostname);
  const where = `Mailbox Chat is already serving ${shown(dir)} there${isEnough ? '' : ', for this computer only'} → ${url}`;
  const advice = isEnough ? [where] : [where, 'To let other computers in, stop it first. Then run this again.'];
  return new Ending(isEnough ? CLEAN : RUNTIME, `Port ${port} is already in use.`, advice);
}

function taken(port: number, flag: Place['flag']): Ending {
  const another = port < 65_535 ? port + 1 : port - 1;
  return new Ending(RUNTIME, `Port ${port} is already in use by another program.`, [
    `Try: mailbox-chat ${flag} ${another}        To see which: lsof -i :${port}`,
  ]);
}

function cannotListen(host: string, port: number, flag: Place['flag'], error: unknown): unknown {
  if (!isErrno(error, 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EINVAL')) return error;
  const isLow = error.code === 'EACCES';
  const why = isLow ? 'the system reserves low ports' : 'this machine has no such address';
  const instead = flag === '--metrics' ? '--metrics 9464' : isLow ? '--port 2012' : '--host 127.0.0.1';
  const what = `Can't listen on ${host}, port ${port} (${error.code}: ${why}).`;
  return new Ending(CONFIGURATION, what, [`Try: mailbox-chat ${instead}`], { cause: error });
}
