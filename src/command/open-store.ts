import { FileMailboxes } from '../files/file-mailboxes.ts';
import type { Logger } from '../logger.ts';
import { MailboxError } from '../mailbox-error.ts';
import type { JetStreamMailboxes } from '../jetstream/jetstream-mailboxes.ts';
import type { MailboxStore } from '../mailbox-store.ts';
import { opened, requireDirectory, unusable } from './directory.ts';
import { CONFIGURATION, Ending } from './ending.ts';
import type { Settings } from './options.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
const HINT = 'Flags: --nats-monitor, --nats-replicas, --nats-shards, --nats-prefix, --nats-allow. See: docs/scaling.md';
/** How long mail is kept is the server's affair, which may have been told to keep it longer than is usual. */
const KEEP_ALL = { keepMs: Infinity, keepBytes: Infinity };

/** The cluster that keeps the mail when one was asked for; undefined: files do. Nothing of it is loaded before. */
export async function openCluster(settings: Settings, logger?: Logger): Promise<JetStreamMailboxes | undefined> {
  const { store: servers } = settings;
  if (servers === 'files') return undefined;
  const { JetStreamMailboxes } = await import('../jetstream/index.ts');
  try {
    return await JetStreamMailboxes.open({
      servers,
      prefix: settings['nats-prefix'],
      shards: settings['nats-shards'],
      replicas: settings['nats-replicas'],
      monitors: settings['nats-monitor'],
      allow: settings['nats-allow'],
      keepMs: settings['keep-days'] * DAY_MS,
      ...(settings['nats-creds'] !== '' && { credentials: settings['nats-creds'] }),
      ...(logger && { logger }),
    });
  } catch (error) {
    if (!(error instanceof MailboxError)) throw error;
    throw new Ending(CONFIGURATION, error.message, [HINT], { cause: error });
  }
}

/** Opens the mailboxes for `work`, `once` or to `follow` them, and closes them whatever happens. */
export async function withMailboxes(
  settings: Settings,
  how: 'once' | 'follow',
  work: (mailboxes: MailboxStore) => Promise<void>,
): Promise<void> {
  const mailboxes = (await openCluster(settings)) ?? (await openFiles(settings.dir, how));
  try {
    await work(mailboxes);
  } finally {
    await mailboxes.close();
  }
}

/** The mailboxes in files, whatever `--store` says. */
export async function openFiles(dir: string, how: 'once' | 'follow'): Promise<FileMailboxes> {
  requireDirectory(dir);
  try {
    const mailboxes = new FileMailboxes(dir, { watch: how === 'follow', ...KEEP_ALL });
    await opened(mailboxes);
    return mailboxes;
  } catch (error) {
    throw unusable(dir, error);
  }
}

/** The servers as one may show them: without passwords. */
export function shownServers(servers: readonly string[]): string {
  return servers.map((server) => server.replace(/\/\/[^@]*@/, '//')).join(',');
}
