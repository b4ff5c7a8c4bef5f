import { readdirSync, readlinkSync } from 'node:fs';
import { isErrno } from '../mailbox-error.ts';

const INIT = '1';

/**
 * Which of `paths` some process has open, or undefined where that cannot be told: without `/proc`, or when other
 * users' descriptors are hidden from us. Processes in another PID namespace are never seen.
 */
export function openAmong(paths: ReadonlySet<string>): Set<string> | undefined {
  const open = new Set<string>();
  try {
    const pids = readdirSync('/proc');
    if (!pids.includes(INIT)) return undefined; // mounted with hidepid: other users' processes are not even listed
    for (const pid of pids) {
      if (!/^\d+$/.test(pid)) continue;
      for (const target of pid === INIT ? descriptorsOfInit() : descriptorsOf(pid)) {
        if (paths.has(target)) open.add(target);
      }
    }
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'EPERM')) return undefined;
    throw error;
  }
  return open;
}

/** Where init is more privileged than we are it is the system's own, and no writer of mail. */
function descriptorsOfInit(): string[] {
  try {
    return descriptorsOf(INIT);
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM')) return [];
    throw error;
  }
}

function descriptorsOf(pid: string): string[] {
  const dir = `/proc/${pid}/fd`;
  return whileItLives(() => readdirSync(dir), []).map((fd) => whileItLives(() => readlinkSync(`${dir}/${fd}`), ''));
}

function whileItLives<T>(look: () => T, gone: T): T {
  try {
    return look();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EINVAL')) return gone;
    throw error;
  }
}
