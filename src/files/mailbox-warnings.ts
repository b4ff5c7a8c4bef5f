import { constants } from 'node:fs';
import { join } from 'node:path';
import { Slices } from '../words/slices.ts';
import { isAccessible, namesIn } from './disk.ts';
import { isMailboxFile } from './mailbox-paths.ts';
import { mountedMailboxes } from './mount-points.ts';
import type { StoreContext } from './store-context.ts';

/** Logs the mailboxes that are mount points, and those that the server may not read. */
export async function warnOfMailboxes({ dir, logger }: StoreContext): Promise<void> {
  for (const mailbox of mountedMailboxes(dir)) {
    logger.warn({ mailbox }, 'this mailbox is a mount point: it is read, but never emptied');
  }
  const slices = new Slices();
  for (const name of namesIn(dir).filter(isMailboxFile)) {
    const mailbox = join(dir, name);
    if (!isAccessible(mailbox, constants.R_OK)) {
      logger.warn({ mailbox }, 'the server may not read this mailbox: it gets and shows no mail');
    }
    await slices.rest();
  }
}
