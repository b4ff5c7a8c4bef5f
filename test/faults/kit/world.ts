import { cpSync, existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Follower } from './follower.ts';
import type { Ledger, Verdict } from './ledger.ts';
import { until } from '../../support/until.ts';

/** Copies a data directory with its times, except for the server's socket. */
export function copyDirectory(from: string, to: string): void {
  const filter = (path: string): boolean => !lstatSync(path).isSocket();
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter });
}

export function namesIn(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** All pieces in `.taken`, as `<mailbox>/<piece>`. */
export function takesIn(dir: string): string[] {
  const taken = join(dir, '.taken');
  return namesIn(taken).flatMap((mailbox) => namesIn(join(taken, mailbox)).map((take) => `${mailbox}/${take}`));
}

export function locksIn(dir: string): string[] {
  return namesIn(join(dir, '.locks')).filter((name) =>
    statSync(join(dir, '.locks', name), { throwIfNoEntry: false })?.isDirectory(),
  );
}

/** Reads everything that is kept of a mailbox as a new client, until it has all that was accepted. */
export async function replay(port: number, mailbox: string, ledger: Ledger, withinMs = 60_000): Promise<Follower> {
  const follower = new Follower({ mailbox, port: () => port });
  await until(`all mail of ${mailbox} in a replay`, () => ledger.isIn(follower.texts), withinMs, 50).catch(
    () => undefined, // the verdict reports what is missing
  );
  await follower.close();
  return follower;
}

/** What faults have left behind, after all servers have ended cleanly. While servers run, they may hold locks. */
export function leftovers(dir: string, mailboxes: readonly string[], servers: 'running' | 'ended' = 'ended'): string[] {
  const left = servers === 'running' ? [] : locksIn(dir).map((lock) => `lock left: ${lock}`);
  for (const mailbox of mailboxes) {
    const stat = statSync(join(dir, `${mailbox}.txt`), { throwIfNoEntry: false });
    if (!stat) left.push(`${mailbox}.txt is missing`);
    else if (stat.size > 0) left.push(`${mailbox}.txt holds ${stat.size} bytes`);
  }
  return left;
}

export function shorten(verdict: Verdict): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(verdict).map(([what, list]: [string, string[]]) => [
      what,
      list.length > 5 ? [...list.slice(0, 5), `… ${list.length} in all`] : list,
    ]),
  );
}
