import type { StreamConfig } from '@nats-io/jetstream';
import { createHash } from 'node:crypto';
import { MailboxError } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { persist } from './cluster-error.ts';
import type { Cluster } from './cluster.ts';
import type { AllOptions } from './jetstream-options.ts';
import { StreamSubject } from './stream-subject.ts';

/** How long the servers remember a message id, by which they recognise a message that is sent again. */
const DUPLICATES_MS = 120_000;
const NANOS_PER_MS = 1_000_000;

type Kind = 'mail' | 'marks';
type Config = Partial<StreamConfig> & { readonly name: string };
type Shard = Readonly<Record<Kind, StreamConfig>>;

/** The streams that keep the mailboxes. They are made once and never changed. */
export class Streams {
  readonly cluster: Cluster;
  readonly #shards: readonly Shard[];

  private constructor(cluster: Cluster, shards: readonly Shard[]) {
    this.cluster = cluster;
    this.#shards = shards;
  }

  /** Opens the streams, or makes them. Throws STORE_FAILED if they were made with other options. */
  static async open(cluster: Cluster): Promise<Streams> {
    const shards = Array.from({ length: cluster.options.shards }, async (_, shard) => ({
      mail: await openStream(cluster, 'mail', shard),
      marks: await openStream(cluster, 'marks', shard),
    }));
    return new Streams(cluster, await Promise.all(shards));
  }

  get all(): StreamConfig[] {
    return this.#shards.flatMap(({ mail, marks }) => [mail, marks]);
  }

  subjectOf(kind: Kind, mailbox: MailboxName): StreamSubject {
    const shard = this.#shardOf(mailbox);
    const subject = subjectName(this.cluster.options, kind, shard, tokenOf(mailbox));
    return new StreamSubject(this.cluster, this.#shards[shard]![kind], subject);
  }

  /** The subject on which the servers publish the headers of each message, without its text. */
  hintSubjectOf(mailbox: MailboxName): string {
    return subjectName(this.cluster.options, 'hint', this.#shardOf(mailbox), tokenOf(mailbox));
  }

  /** The shard of a mailbox must never change: in another stream, the mailbox would be empty. */
  #shardOf(mailbox: MailboxName): number {
    return createHash('sha256').update(mailbox).digest().readUInt32BE(0) % this.#shards.length;
  }
}

/** Encodes the name of a mailbox as one token of a subject, which may hold neither dots nor all letters. */
export function tokenOf(name: string): string {
  return Buffer.from(name).toString('base64url');
}

function subjectName({ prefix }: AllOptions, kind: Kind | 'hint', shard: number, token: string): string {
  return `${prefix}.${kind}.${shard}.${token}`;
}

function configOf(options: AllOptions, kind: Kind, shard: number): Config {
  const { prefix, shards, replicas, keepMs, keepMessages } = options;
  const subject = subjectName(options, kind, shard, '*');
  const common: Config = {
    name: `${prefix}_${kind.toUpperCase()}_${shard}`,
    description: 'mailbox-chat',
    subjects: [subject],
    retention: 'limits',
    storage: 'file',
    discard: 'old',
    num_replicas: replicas,
    allow_direct: true,
    metadata: { shards: String(shards), epoch: String(epochOf(shard, shards)) },
  };
  if (kind === 'marks') return { ...common, max_msgs_per_subject: 1 };
  return {
    ...common,
    max_age: keepMs * NANOS_PER_MS,
    max_msgs_per_subject: keepMessages,
    duplicate_window: Math.min(DUPLICATES_MS, keepMs) * NANOS_PER_MS,
    republish: { src: subject, dest: subjectName(options, 'hint', shard, '{{wildcard(1)}}'), headers_only: true },
  };
}

/** Ids begin with it. It differs between shards: a reply or a reaction names a message of two mailboxes by its id alone. */
function epochOf(shard: number, shards: number): number {
  return Math.ceil(Date.now() / shards) * shards + shard;
}

/** Opens a stream, or makes it. If another server makes it at the same moment, `persist` asks again and finds it. */
async function openStream({ jsm, options }: Cluster, kind: Kind, shard: number): Promise<StreamConfig> {
  const config = configOf(options, kind, shard);
  const infoOrMake = (): Promise<{ config: StreamConfig }> =>
    jsm.streams.info(config.name).catch((error: Error) => {
      if (error.name === 'StreamNotFoundError') return jsm.streams.add(config);
      throw error;
    });
  const { config: is } = await persist(infoOrMake).catch(({ cause }: Error) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    const what = `The stream ${config.name} with ${options.replicas} copies cannot be opened: ${why}.`;
    throw new MailboxError('STORE_FAILED', what, { cause });
  });
  const { shards, epoch } = is.metadata ?? {};
  if (epoch && shards === String(options.shards)) return is;
  throw new MailboxError(
    'STORE_FAILED',
    shards
      ? `These mailboxes were made with shards=${shards}, and that cannot change to ${options.shards}. Use shards=${shards}.`
      : `There is a stream ${config.name} already, and it is not ours. Choose another prefix.`,
  );
}
