import { readdirSync, readlinkSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { isErrno } from '../mailbox-error.ts';

const INIT = '1';
/** Others wait for us no longer than this at a time. */
const SLICE_MS = 2;
const MAX_LOOKS = 20;

/**
 * Which of `paths` some process has open, or undefined where that cannot be told: without `/proc`, or when other
 * users' descriptors are hidden from us. Processes in another PID namespace are never seen.
 */
export async function openAmong(paths: ReadonlySet<string>): Promise<Set<string> | undefined> {
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
        for (const path of pathsOpenIn(pid)) if (paths.has(path)) open.add(path);
        if (performance.now() - restedMs < SLICE_MS) continue;
        await setImmediate();
        restedMs = performance.now();
      }
    }
    return undefined;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}

function pathsOpenIn(pid: string): string[] {
  const dir = `/proc/${pid}/fd`;
  const descriptors = unlessHidden(pid, () => readdirSync(dir)) ?? [];
  return descriptors.map((fd) => unlessHidden(pid, () => readlinkSync(`${dir}/${fd}`)) ?? '');
}

/** Undefined when the process is gone, or is an init that we may not inspect: it belongs to the system and writes no mail. */
function unlessHidden<T>(pid: string, look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EINVAL')) return undefined;
    if (pid === INIT && isErrno(error, 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
}
