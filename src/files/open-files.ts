import { readdirSync, statSync, type Stats } from 'node:fs';
import { isErrno } from '../words/mailbox-error.ts';
import { Slices } from '../words/slices.ts';

const INIT = '1';
const MAX_ROUNDS = 20;

/** Tells whether two files are the same one. A path does not: another mount of the directory has other paths. */
export function identity({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

/**
 * The files (by `identity`) that some process has open. Undefined if we cannot tell: there is no `/proc`, or it hides other
 * users' descriptors from us. Processes in another PID namespace are never seen.
 */
export async function openAmong(files: ReadonlySet<string>): Promise<Set<string> | undefined> {
  const open = new Set<string>();
  const seen = new Set<string>();
  const slices = new Slices();
  try {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      if (!pids.includes(INIT)) return undefined; // mounted with hidepid: it does not list other users' processes
      // A process that began meanwhile may have inherited a file from one that ended before we came to it: look again.
      const begun = pids.filter((pid) => !seen.has(pid));
      if (begun.length === 0) return open;
      for (const pid of begun) {
        seen.add(pid);
        for (const file of openIn(pid)) {
          if (file !== undefined && files.has(file)) open.add(file);
          await slices.rest();
        }
      }
    }
    return undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

/**
 * The files that a process has open, in any thread: if the first thread has ended, its list is empty. Threads with the same
 * descriptors are read once. Yields undefined for what is not a file, such as a socket: there may be very many.
 */
function* openIn(pid: string): Generator<string | undefined> {
  const threads = unlessHidden(pid, () => readdirSync(`/proc/${pid}/task`)) ?? [];
  const seen = new Set<string>();
  for (const thread of threads) {
    const dir = `/proc/${pid}/task/${thread}/fd`;
    const descriptors = unlessHidden(pid, () => readdirSync(dir)) ?? [];
    const table = descriptors.join();
    yield undefined; // listing many descriptors takes some ms
    if (seen.has(table)) continue;
    seen.add(table);
    for (const fd of descriptors) {
      const stat = unlessHidden(pid, () => statSync(`${dir}/${fd}`));
      yield stat?.isFile() ? identity(stat) : undefined;
    }
  }
}

/** Undefined if the process is gone, or is an init that we may not inspect: that one writes no mail. */
function unlessHidden<T>(pid: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EINVAL', 'ENOTCONN', 'EIO', 'ESTALE')) return undefined;
    if (pid === INIT && isErrno(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
