import { cpSync, existsSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Follower } from './follower.ts';
import type { Ledger, Verdict } from './ledger.ts';
import { until } from '../../support/until.ts';

/** Copies a data directory with its times, but for the socket of a server. */
export function copyDirectory(from: string, to: string): void {
  const filter = (path: string): boolean => !lstatSync(path).isSocket();
  cpSync(from, to, { recursive: true, preserveTimestamps: true, filter });
}

export function namesIn(dir: string): string[] {
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** Mailboxes' takes that are left, as `<mailbox>/<take>`. */
export function takesIn(dir: string): string[] {
  const taken = join(dir, '.taken');
  return namesIn(taken).flatMap((mailbox) => namesIn(join(taken, mailbox)).map((take) => `${mailbox}/${take}`));
}

export function locksIn(dir: string): string[] {
  return namesIn(join(dir, '.locks')).filter((name) =>
    statSync(join(dir, '.locks', name), { throwIfNoEntry: false })?.isDirectory(),
  );
}

/** Everything kept of a mailbox, read by a client that was never there before, up to a marker sent now. */
export async function replay(port: number, mailbox: string, ledger: Ledger, withinMs = 60_000): Promise<Follower> {
  const follower = new Follower({ mailbox, port: () => port });
  await until(`all mail of ${mailbox} in a replay`, () => ledger.isIn(follower.texts), withinMs, 50).catch(
    () => undefined, // what is missing is for the verdict to tell
  );
  await follower.close();
  return follower;
}

/** What a fault may leave behind, looked at after every server has ended cleanly; while they run, they may hold locks. */
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
