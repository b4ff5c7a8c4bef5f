import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ifThere, syncDirectory } from './disk.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import type { StoreContext } from './store-context.ts';

/**
 * Deletes a mailbox from the disk. The floor rises above `newest` first, so if the mailbox is made again, old cursors and
 * marks do not hide its mail.
 */
export function forgetFiles(paths: MailboxPaths, context: StoreContext, newest: string): void {
  const floor = context.clock.next(newest, context.now());
  context.floor.raise(floor);
  rmSync(paths.file, { force: true });
  for (const path of [paths.taken, paths.delivered]) rmSync(path, { recursive: true, force: true });
  rmSync(paths.marks, { force: true });
  for (const path of [paths.file, paths.taken, paths.delivered, paths.marks]) {
    ifThere(() => syncDirectory(dirname(path)));
  }
}
