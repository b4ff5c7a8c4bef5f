import { Invitations } from '../access/invitations.ts';
import { FileMailboxes } from '../files/file-mailboxes.ts';
import { mailboxesIn } from '../files/mailbox-paths.ts';
import type { ClusterAddress } from '../jetstream/address.ts';
import type { JetStreamMailboxes, JetStreamMailboxesOptions } from '../jetstream/index.ts';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';
import type { MailboxStore } from '../mailbox-store.ts';
import { openIn, requireDirectory } from './directory.ts';
import { CONFIGURATION, Ending } from './ending.ts';
import type { Store } from './parsers.ts';

export interface StoreOptions {
  readonly dir: string;
  readonly store: Store;
}

type ClusterOptions = Pick<JetStreamMailboxesOptions, 'keepMs' | 'logger'>;

/** The mailboxes of a cluster. Its client is loaded only here. */
export async function openCluster(address: ClusterAddress, options: ClusterOptions = {}): Promise<JetStreamMailboxes> {
  const { JetStreamMailboxes } = await import('../jetstream/index.ts');
  try {
    return await JetStreamMailboxes.open({ ...address, ...options });
  } catch (error) {
    if (!(error instanceof MailboxError)) throw error;
    const advice = "Say how to use it: --store 'nats://…?monitor=…&allow=…' (docs/scaling.md)";
    throw new Ending(CONFIGURATION, error.message, [advice], { cause: error });
  }
}

/** The mailboxes in files. The server decides how long mail is kept: here nothing is too old. */
export function openFiles(dir: string, how: 'once' | 'follow'): Promise<FileMailboxes> {
  requireDirectory(dir);
  const options = { watch: how === 'follow', keepMs: Infinity, keepBytes: Infinity };
  return openIn(dir, () => new FileMailboxes(dir, options));
}

/** Whether somebody has a mailbox, or an invitation to one. */
export async function isKnown(who: MailboxName, { dir, store }: StoreOptions, opened: MailboxStore): Promise<boolean> {
  if (new Invitations(dir).people().includes(who)) return true;
  return store === 'files' ? mailboxesIn(dir).includes(who) : (await opened.ends(who)).newest !== '0-0';
}

/** Opens the mailboxes for `work`, `once` or to `follow` them, and closes them whatever happens. */
export async function withMailboxes(
  { dir, store }: StoreOptions,
  how: 'once' | 'follow',
  work: (mailboxes: MailboxStore) => Promise<void>,
): Promise<void> {
  await closing(store === 'files' ? await openFiles(dir, how) : await openCluster(store), work);
}

/** Works with something that is open, and closes it whatever happens. */
export async function closing<T extends { close(): Promise<void> }, R>(
  opened: T,
  work: (opened: T) => Promise<R>,
): Promise<R> {
  try {
    return await work(opened);
  } finally {
    await opened.close();
  }
}
