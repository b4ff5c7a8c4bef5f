import { readdirSync, statSync, type Stats } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { isErrno } from '../words/mailbox-error.ts';

const INIT = '1';
/** Others wait for us no longer than this at a time. */
const SLICE_MS = 2;
const MAX_LOOKS = 20;

/** What a file is whatever it is called, and from wherever it is looked at: another mount of a directory has other paths. */
export function identity({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

/**
 * Which of these files (by `identity`) some process has open, or undefined where that cannot be told: without `/proc`,
 * or when other users' descriptors are hidden from us. Processes in another PID namespace are never seen.
 */
export async function openAmong(files: ReadonlySet<string>): Promise<Set<string> | undefined> {
  const open = new Set<string>();
  const seen = new Set<string>();
  try {
    for (let look = 0; look < MAX_LOOKS; look += 1) {
      const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      if (!pids.includes(INIT)) return undefined; // mounted with hidepid: other users' processes are not even listed
      // A process that began meanwhile may have got a file from one that ended before we came to it: so look again.
      const begun = pids.filter((pid) => !seen.has(pid));
      if (begun.length === 0) return open;
      let restedMs = performance.now();
      for (const pid of begun) {
        seen.add(pid);
        for (const file of openIn(pid)) {
          if (file !== undefined && files.has(file)) open.add(file);
          if (performance.now() - restedMs < SLICE_MS) continue;
          await setImmediate();
          restedMs = performance.now();
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
 * Of all threads: the first may have ended, and its descriptors with it. Those that have the same ones are looked at once.
 * Undefined stands for what is no file, a socket for one: there may be very many.
 */
function* openIn(pid: string): Generator<string | undefined> {
  const threads = unlessHidden(pid, () => readdirSync(`/proc/${pid}/task`)) ?? [];
  const looked = new Set<string>();
  for (const thread of threads) {
    const dir = `/proc/${pid}/task/${thread}/fd`;
    const descriptors = unlessHidden(pid, () => readdirSync(dir)) ?? [];
    const table = descriptors.join();
    if (looked.has(table)) continue;
    looked.add(table);
    for (const fd of descriptors) {
      const stat = unlessHidden(pid, () => statSync(`${dir}/${fd}`));
      yield stat?.isFile() ? identity(stat) : undefined;
    }
  }
}

/** Undefined when the process is gone, or is an init that we may not inspect: it belongs to the system and writes no mail. */
function unlessHidden<T>(pid: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EINVAL', 'ENOTCONN', 'EIO', 'ESTALE')) return undefined;
    if (pid === INIT && isErrno(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
