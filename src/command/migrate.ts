import { join } from 'node:path';
import { Claims } from '../files/claims.ts';
import { FILES, mailboxesIn } from '../files/mailbox-paths.ts';
import type { Copied } from '../jetstream/mailbox-copy.ts';
import { copyMailboxes } from '../jetstream/migrate.ts';
import { Ending, RUNTIME, USAGE } from './ending.ts';
import { shown } from './directory.ts';
import { closing, openCluster, openFiles, type StoreOptions } from './mail.ts';
import { tell } from './terminal.ts';

/** Copies all mail and marks from files to the cluster. */
export async function migrate({ dir, store }: StoreOptions): Promise<void> {
  if (store === 'files') throw new Ending(USAGE, 'Name the cluster to copy to: --store nats://host:port');
  const failed = await closing(await openFiles(dir), async (files) => {
    const mail = await files.owned();
    if (!mail) {
      throw new Ending(RUNTIME, `A server, or another command, is using ${shown(dir)}.`, [
        'Stop it first, or copy a backup: mailbox-chat backup <copy>, then mailbox-chat migrate --dir <copy> …',
      ]);
    }
    const cluster = await openCluster(store);
    return closing(cluster, () => copyMailboxes(mailboxesIn(dir), mail.chat.store, cluster, say));
  });
  for (const [mailbox, error] of failed) {
    console.error(`${mailbox} could not be copied: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (new Claims(join(dir, FILES)).mailboxes.length > 0)
    console.error('A cluster stores no files: the messages that name files were copied without them.');
  if (failed.size === 0) return;
  throw new Ending(RUNTIME, `Not copied completely: ${[...failed.keys()].join(', ')}.`, [
    'Run it again: it goes on where it stopped.',
  ]);
}

function say({ mailbox, copied, before }: Copied): void {
  const there = before > 0 ? `, ${before} were there already` : '';
  tell(`${mailbox}: ${copied} copied${there}`, { mailbox, copied, before });
}
