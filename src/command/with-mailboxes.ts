import { FileMailboxes } from '../files/file-mailboxes.ts';
import type { MailboxStore } from '../mailbox-store.ts';
import { requireDirectory, unusable } from './directory.ts';

/** Opens the mailboxes for `work`, `once` or to `follow` them, and closes them whatever happens. */
export async function withMailboxes(
  dir: string,
  how: 'once' | 'follow',
  work: (mailboxes: MailboxStore) => Promise<void>,
): Promise<void> {
  requireDirectory(dir);
  const mailboxes = await open(dir, how);
  try {
    await work(mailboxes);
  } finally {
    await mailboxes.close();
  }
}

async function open(dir: string, how: 'once' | 'follow'): Promise<MailboxStore> {
  try {
    const mailboxes = new FileMailboxes(dir, { watch: how === 'follow' });
    await mailboxes.ready();
    return mailboxes;
  } catch (error) {
    throw unusable(dir, error);
  }
}
