import { silent, type Logger } from '../words/logger.ts';
import { checkOption, type Allowance } from './address.ts';

export interface JetStreamMailboxesOptions {
  /** Addresses of the cluster's servers: `nats://host:4222`, or several. `tls://` and `user:password@` work too. */
  readonly servers: string | readonly string[];
  /** A .creds file to log in with. */
  readonly credentials?: string;
  /** The streams' names begin with it. Default `MAILBOX`. */
  readonly prefix?: string;
  /** How many streams share the mailboxes; fixed for ever when they are made. Default 8. */
  readonly shards?: number;
  /** Copies of each message, on as many servers. Default 3. */
  readonly replicas?: number;
  /** How long mail is kept, in ms. Default 365 days. Fixed when the streams are made, as is the next. */
  readonly keepMs?: number;
  /** Messages kept per mailbox, read or not. Beyond it the oldest are removed. Default 200,000. */
  readonly keepMessages?: number;
  /** Monitoring addresses of the servers, `http://host:8222`, which tell whether they write before they acknowledge. */
  readonly monitors?: readonly string[];
  /** Which promises may be weakened. Default none. */
  readonly allow?: readonly Allowance[];
  /** How long an append is tried again while the cluster has no leader, in ms. Default 20 s. */
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
