import { readdirSync, statSync, type Stats } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { setImmediate } from 'node:timers/promises';
import { isErrno } from '../words/mailbox-error.ts';

const INIT = '1';
const MAX_ROUNDS = 20;
/** Half a millisecond of work. A message needs several turns of the event loop, and each waits for this. */
const FILES_AT_ONCE = 50;

/** Tells whether two files are the same one. A path does not: another mount of the directory has other paths. */
export function identity({ dev, ino }: Pick<Stats, 'dev' | 'ino'>): string {
  return `${dev}:${ino}`;
}

/**
 * The files (by `identity`) that some process has open. Undefined if we cannot tell: there is no `/proc`, or it hides other
 * users' descriptors from us. Processes in another PID namespace are never seen. Gives up, too, once `isOver`: on a busy
 * machine with many processes it takes seconds.
 */
export async function openAmong(
  files: ReadonlySet<string>,
  isOver = (): boolean => false,
): Promise<Set<string> | undefined> {
  const open = new Set<string>();
  const seen = new Set<string>();
  let looked = 0;
  try {
    for (let round = 0; round < MAX_ROUNDS; round += 1) {
      const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
      if (!pids.includes(INIT)) return undefined; // mounted with hidepid: it does not list other users' processes
      // A process that began meanwhile may have inherited a file from one that ended before we came to it: look again.
      const begun = pids.filter((pid) => !seen.has(pid));
      if (begun.length === 0) return open;
      for (const pid of begun) {
        if (isOver()) return undefined;
        seen.add(pid);
        for await (const file of openIn(pid)) {
          if (file !== undefined && files.has(file)) open.add(file);
          looked += 1;
          if (looked % FILES_AT_ONCE === 0) await setImmediate();
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
async function* openIn(pid: string): AsyncGenerator<string | undefined> {
  const threads = (await unlessHidden(pid, () => readdir(`/proc/${pid}/task`))) ?? [];
  const seen = new Set<string>();
  for (const thread of threads) {
    const dir = `/proc/${pid}/task/${thread}/fd`;
    const descriptors = (await unlessHidden(pid, () => readdir(dir))) ?? []; // takes long if there are many
    const table = descriptors.join();
    if (seen.has(table)) continue;
    seen.add(table);
    for (const fd of descriptors) {
      const stat = await unlessHidden(pid, () => statSync(`${dir}/${fd}`));
      yield stat?.isFile() ? identity(stat) : undefined;
    }
  }
}

/** Undefined if the process is gone, or is an init that we may not inspect: that one writes no mail. */
async function unlessHidden<T>(pid: string, read: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EINVAL', 'ENOTCONN', 'EIO', 'ESTALE')) return undefined;
    if (pid === INIT && isErrno(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
