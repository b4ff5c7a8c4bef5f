import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { createHash } from 'node:crypto';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';
import { persist } from './cluster-error.ts';
import type { Cluster } from './cluster.ts';
import type { AllOptions } from './jetstream-options.ts';
import { StreamSubject } from './stream-subject.ts';

/** How long the servers know a message id, and with it that a message was sent again. */
const DUPLICATES_MS = 120_000;
const NANOS_PER_MS = 1_000_000;

type Configs = readonly StreamConfig[];

/** The streams that keep the mailboxes: made when they are not there yet, never changed. */
export class Streams {
  readonly all: Configs;
  readonly #cluster: Cluster;
  readonly #options: AllOptions;
  readonly #streams: { readonly mail: Configs; readonly marks: Configs };

  private constructor(cluster: Cluster, options: AllOptions, mail: Configs, marks: Configs) {
    this.all = [...mail, ...marks];
    this.#cluster = cluster;
    this.#options = options;
    this.#streams = { mail, marks };
  }

  /** Throws STORE_FAILED when streams are there that were made otherwise. */
  static async open(cluster: Cluster, options: AllOptions): Promise<Streams> {
    const shards = Array.from({ length: options.shards }, (_, shard) => shard);
    const openAll = (configOf: typeof mailConfig): Promise<Configs> =>
      Promise.all(shards.map((shard) => openStream(cluster, configOf(options, shard), options.shards)));
    return new Streams(cluster, options, await openAll(mailConfig), await openAll(marksConfig));
  }

  mailOf(mailbox: MailboxName): StreamSubject {
    return this.#subjectIn('mail', mailbox);
  }

  marksOf(mailbox: MailboxName): StreamSubject {
    return this.#subjectIn('marks', mailbox);
  }

  /** The subject on which the server announces mail: the headers of each message, without its text. */
  hintSubjectOf(mailbox: MailboxName): string {
    return subjectOf(this.#options, 'hint', this.#shardOf(mailbox), tokenOf(mailbox));
  }

  #subjectIn(kind: 'mail' | 'marks', mailbox: MailboxName): StreamSubject {
    const shard = this.#shardOf(mailbox);
    const subject = subjectOf(this.#options, kind, shard, tokenOf(mailbox));
    return new StreamSubject(this.#cluster, this.#streams[kind][shard]!, subject);
  }

  /** For ever: a mailbox that moved to another stream would be empty. */
  #shardOf(mailbox: MailboxName): number {
    return createHash('sha256').update(mailbox).digest().readUInt32BE(0) % this.#options.shards;
  }
}

/** A mailbox's name as one token of a subject: dots and letters of all scripts have to go. */
export function tokenOf(name: string): string {
  return Buffer.from(name).toString('base64url');
}

function subjectOf({ prefix }: AllOptions, kind: 'mail' | 'marks' | 'hint', shard: number, token: string): string {
  return `${prefix}.${kind}.${shard}.${token}`;
}

type Config = Partial<StreamConfig> & { readonly name: string };

function mailConfig(options: AllOptions, shard: number): Config {
  const { prefix, keepMs, keepMessages } = options;
  const mail = subjectOf(options, 'mail', shard, '*');
  return {
    ...commonConfig(options),
    name: `${prefix}_MAIL_${shard}`,
    subjects: [mail],
    max_age: keepMs * NANOS_PER_MS,
    max_msgs_per_subject: keepMessages,
    duplicate_window: Math.min(DUPLICATES_MS, keepMs) * NANOS_PER_MS,
    republish: { src: mail, dest: subjectOf(options, 'hint', shard, '{{wildcard(1)}}'), headers_only: true },
  };
}

function marksConfig(options: AllOptions, shard: number): Config {
  return {
    ...commonConfig(options),
    name: `${options.prefix}_MARKS_${shard}`,
    subjects: [subjectOf(options, 'marks', shard, '*')],
    max_msgs_per_subject: 1,
  };
}

function commonConfig({ shards, replicas }: AllOptions): Partial<StreamConfig> {
  return {
    description: 'mailbox-chat',
    retention: 'limits',
    storage: 'file',
    discard: 'old',
    num_replicas: replicas,
    allow_direct: true,
    metadata: { shards: String(shards), epoch: String(Date.now()) },
  };
}

async function openStream(cluster: Cluster, config: Config, wanted: number): Promise<StreamConfig> {
  const { config: is } = await infoOrMake(cluster, config);
  const { shards, epoch } = is.metadata ?? {};
  if (epoch && shards === String(wanted)) return is;
  throw new MailboxError(
    'STORE_FAILED',
    shards
      ? `These mailboxes are spread over ${shards} streams, for ever, not ${wanted}. Use ${shards} shards.`
      : `The stream ${config.name} is there, but not ours. Choose another prefix.`,
  );
}

/** Another server may make the same streams at the same moment: the second looks again and takes what is there. */
async function infoOrMake({ jsm }: Cluster, config: Config): Promise<StreamInfo> {
  const make = (error: Error): Promise<StreamInfo> => {
    if (error.name === 'StreamNotFoundError') return jsm.streams.add(config);
    throw error;
  };
  try {
    return await persist(() => jsm.streams.info(config.name).catch(make));
  } catch (error) {
    const cause = error instanceof MailboxError ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    const what = `The stream ${config.name} with ${config.num_replicas} copies cannot be opened: ${why}.`;
    throw new MailboxError('STORE_FAILED', what, { cause });
  }
}
