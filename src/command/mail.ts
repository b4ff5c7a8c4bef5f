import { readFileSync } from 'node:fs';
import { Invitations } from '../access/invitations.ts';
import { mailboxesIn } from '../files/mailbox-paths.ts';
import type { Mailroom } from '../http/mailroom.ts';
import type { ClusterAddress } from '../jetstream/address.ts';
import type { JetStreamMailboxes, JetStreamMailboxesOptions } from '../jetstream/index.ts';
import { silent } from '../words/logger.ts';
import { MailboxError } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { openMailroom } from '../mailbox-chat.ts';
import { nextMailOf } from '../ownership/next-mail.ts';
import type { Ownership } from '../ownership/ownership.ts';
import { askerOf, type Ask } from '../ownership/request-owner.ts';
import { readOptions } from '../words/read-options.ts';
import { openIn, requireDirectory } from './directory.ts';
import { CONFIGURATION, Ending } from './ending.ts';
import { asRoot } from './owner.ts';
import type { Store } from './parsers.ts';

export interface StoreOptions {
  readonly dir: string;
  readonly store: Store;
}

type ClusterOptions = Pick<JetStreamMailboxesOptions, 'keepMs' | 'logger'>;

/** Opens the mailboxes of a cluster. Loads the client library first, which is optional. */
export async function openCluster(address: ClusterAddress, options: ClusterOptions = {}): Promise<JetStreamMailboxes> {
  const { JetStreamMailboxes } = await import('../jetstream/index.ts');
  try {
    return await JetStreamMailboxes.open({ ...(await withCredentials(address)), ...options });
  } catch (error) {
    if (!(error instanceof MailboxError)) throw error;
    const advice = "All parts of the address: --store 'nats://…?monitor=…&allow=…' (docs/scaling.md)";
    throw new Ending(CONFIGURATION, error.message, [advice], { cause: error });
  }
}

/** Only root may be able to read the credentials. Connecting takes longer, and mail may be written meanwhile. */
async function withCredentials({ credentials, ...address }: ClusterAddress): Promise<ClusterAddress> {
  if (typeof credentials !== 'string') return address;
  try {
    return { ...address, credentials: await asRoot(() => readFileSync(credentials)) };
  } catch {
    return { ...address, credentials }; // the store will say why
  }
}

/** Whether this person has a mailbox or an invitation. */
export async function isKnown(who: MailboxName, { dir, store }: StoreOptions, ask: Ask): Promise<boolean> {
  if (new Invitations(dir).people().includes(who)) return true;
  if (store === 'files') return mailboxesIn(dir).includes(who);
  return (await nextMailOf(who, ask)('latest')).cursor !== '0-0';
}

/** Runs `work` on the mailboxes, and closes them whatever happens. */
export async function withMail(
  { dir, store, maxMessage }: StoreOptions & { readonly maxMessage?: number },
  work: (ask: Ask) => Promise<void>,
): Promise<void> {
  const owner =
    store === 'files'
      ? await openFiles(dir, maxMessage)
      : openMailroom(readOptions({ store: await openCluster(store), maxMessage, logger: silent }));
  await closing(owner, () => work(askerOf(owner)));
}

/** Runs `work` with something that is open, and closes it whatever happens. */
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

/** Opens the mailboxes in files. It drops no mail: the server decides how long mail is kept. */
export async function openFiles(dir: string, maxMessage?: number): Promise<Ownership<Mailroom>> {
  requireDirectory(dir);
  const options = readOptions({ dir, maxMessage, keepDays: Infinity, keepBytes: Infinity, logger: silent });
  const open = (): Ownership<Mailroom> => openMailroom(options, { givesWay: true });
  return openIn(dir, open, (ownership) => askerOf(ownership)('GET', '/readyz'));
}
