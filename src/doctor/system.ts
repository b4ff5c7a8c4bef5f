import { readFileSync, watch } from 'node:fs';
import { isErrno } from '../mailbox-error.ts';
import { VERSION } from '../version.ts';
import { ok, warning, type Finding } from './finding.ts';

const FEW_WATCHES = 1024;
const FEW_INSTANCES = 16;

/** This program and the Node that runs it, which the start has checked. */
export function examineProgram(): Finding {
  return ok(`Mailbox Chat ${VERSION} on Node ${process.versions.node}, ${process.platform}`);
}

/** Whether files in `dir` can be watched. Linux only: elsewhere there is no limit to run into. */
export function examineWatching(dir: string): Finding[] {
  if (process.platform !== 'linux') return [];
  const watches = limit('watches');
  const instances = limit('instances');
  try {
    watch(dir).close();
  } catch (error) {
    if (isErrno(error, 'ENOSPC')) return [exhausted('watches', watches)];
    if (isErrno(error, 'EMFILE')) return [exhausted('instances', instances)];
    throw error;
  }
  return [
    ok(`Files can be watched: at most ${watches} inotify watches and ${instances} instances per user`),
    ...(watches < FEW_WATCHES ? [few('watches', watches)] : []),
    ...(instances < FEW_INSTANCES ? [few('instances', instances)] : []),
  ];
}

type What = 'watches' | 'instances';

const LATER = 'mail from other programs comes up to a second later';

function exhausted(what: What, most: number): Finding {
  return warning(`The inotify ${what} are used up (at most ${most} per user): ${LATER}`, more(what));
}

function few(what: What, most: number): Finding {
  return warning(`Only ${most} inotify ${what} per user: when they are used up, ${LATER}`, more(what));
}

function more(what: What): string {
  const enough = what === 'watches' ? 524_288 : 1024;
  return `sysctl fs.inotify.max_user_${what}=${enough} (to keep it: a file in /etc/sysctl.d)`;
}

/** The system's limit, or the one of this user namespace, whichever is lower. */
function limit(what: What): number {
  return Math.min(numberIn(`/proc/sys/fs/inotify/max_user_${what}`), numberIn(`/proc/sys/user/max_inotify_${what}`));
}

function numberIn(path: string): number {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES')) return Infinity;
    throw error;
  }
}
