import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isMailboxFile } from './mailbox-paths.ts';

const MOUNT_POINT = 4;

/** Mailbox files that are mount points. They cannot be renamed, so they are never emptied. */
export function mountedMailboxes(dir: string): string[] {
  let mounts: string;
  try {
    mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  } catch {
    return []; // only Linux has this file
  }
  const paths = mounts.split('\n').map((line) => line.split(' ')[MOUNT_POINT] ?? '');
  const unescaped = paths.map((path) =>
    path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))),
  );
  return unescaped.filter((path) => dirname(path) === dir && isMailboxFile(path.slice(dir.length + 1)));
}
