import { silent, type Logger } from '../words/logger.ts';
import { checkOption, type Allowance } from './address.ts';

export interface JetStreamMailboxesOptions {
  /** The servers of the cluster, one or several: `nats://host:4222`. `tls://` and `user:password@` work, too. */
  readonly servers: string | readonly string[];
  /** The path of a .creds file to log in with, or what is in it. */
  readonly credentials?: string | Uint8Array;
  /** The names of the streams begin with this. Default `MAILBOX`. */
  readonly prefix?: string;
  /** How many streams the mailboxes are spread over. It cannot change once they are made. Default 8. */
  readonly shards?: number;
  /** How many servers keep a copy of each message. Default 3. */
  readonly replicas?: number;
  /** How long mail is kept, in ms. Default 365 days. It cannot change once the streams are made. */
  readonly keepMs?: number;
  /** How many messages a mailbox keeps, read or not; the oldest go first. Like `keepMs`, it cannot change. Default 200,000. */
  readonly keepMessages?: number;
  /** Monitoring addresses, `http://host:8222`. They tell whether a server writes before it acknowledges. */
  readonly monitors?: readonly string[];
  /** The guarantees that you give up. Default none. */
  readonly allow?: readonly Allowance[];
  /** How long to repeat an append while the cluster has no leader, in ms. Default 20 s. */
  readonly appendWithinMs?: number;
  readonly logger?: Logger;
}

export type AllOptions = ReturnType<typeof withDefaults>;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Fills in the defaults. Throws RangeError. */
export function withDefaults(options: JetStreamMailboxesOptions) {
  const servers = typeof options.servers === 'string' ? options.servers.split(',') : options.servers;
  const { prefix = 'MAILBOX', shards = 8, replicas = 3, keepMs = 365 * DAY_MS, keepMessages = 200_000 } = options;
  const { monitors = [], allow = [], appendWithinMs = 20_000, logger = silent } = options;
  checkOption('prefix', prefix);
  checkOption('shards', shards);
  const checked = { prefix, shards, replicas, keepMs, keepMessages, monitors, allow, appendWithinMs, logger };
  return { ...options, ...checked, servers };
}
