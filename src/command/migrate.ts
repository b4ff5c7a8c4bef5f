import { mailboxesIn } from '../files/mailbox-paths.ts';
import { type Copied, copyMailboxes } from '../jetstream/migrate.ts';
import { Ending, RUNTIME, USAGE } from './ending.ts';
import { closing, openCluster, openFiles, type StoreOptions } from './open-store.ts';
import { tell } from './terminal.ts';

/** Copies all mail and marks from files to the cluster. */
export async function migrate({ dir, store }: StoreOptions): Promise<void> {
  if (store === 'files') throw new Ending(USAGE, 'Say where the mail goes: --store nats://host:port');
  const failed = await closing(await openFiles(dir, 'once'), async (files) =>
    closing(await openCluster(store), (cluster) => copyMailboxes(mailboxesIn(dir), files, cluster, say)),
  );
  for (const [mailbox, error] of failed) {
    console.error(`${mailbox} could not be copied: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (failed.size === 0) return;
  throw new Ending(RUNTIME, `Not copied to their end: ${[...failed.keys()].join(', ')}.`, [
    'Run it again: it goes on where it was.',
  ]);
}

function say({ mailbox, copied, before }: Copied): void {
  const there = before > 0 ? `, ${before} were there` : '';
  tell(`${mailbox}: ${copied} copied${there}`, { mailbox, copied, before });
}
