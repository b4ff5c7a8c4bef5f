import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { ifThere, syncDirectory } from './disk.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import type { StoreContext } from './store-context.ts';

/**
 * Leaves nothing of a mailbox on disk. Mailboxes that are made later, this one among them, begin above `newest`: no old cursor or mark
 * hides their mail.
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
