import { readdirSync, statSync } from 'node:fs';
import { isErrno } from '../words/mailbox-error.ts';

/**
 * Root works in another user's directory as that user: what it makes there belongs to whom the server runs as, and
 * nothing that stands there can lead it elsewhere.
 */
export function actAsOwnerOf(dir: string): void {
  if (process.geteuid?.() !== 0) return;
  const stat = statSync(dir, { throwIfNoEntry: false });
  if (!stat?.isDirectory() || stat.uid === 0) return;
  try {
    process.setgroups!([]);
    process.setegid!(stat.gid);
    process.seteuid!(stat.uid);
    readdirSync(dir);
  } catch (error) {
    // A root that may not, in a container, or a directory below one that its owner may not enter.
    if (!isErrno(error, 'EPERM', 'EACCES')) throw error;
    process.seteuid!(0);
    process.setegid!(0);
  }
}

/**
 * Does what has nothing to do with the directory, and that root may need to be for. It must take no time: whatever the
 * process writes meanwhile is root's.
 */
export async function asRoot<T>(work: () => T | Promise<T>): Promise<T> {
  const us = process.geteuid?.();
  if (us === undefined || us === 0 || process.getuid?.() !== 0) return work();
  process.seteuid!(0);
  try {
    return await work();
  } finally {
    process.seteuid!(us);
  }
}

/** Makes `actAsOwnerOf` final. Programs that this process starts could otherwise become root again, and a shell does. */
export function stayOwner(): void {
  const [uid, gid] = [process.geteuid?.(), process.getegid?.()];
  if (!uid || process.getuid?.() !== 0) return;
  process.seteuid!(0);
  process.setgid!(gid!);
  process.setuid!(uid);
}
