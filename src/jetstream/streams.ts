import type { StreamConfig, StreamInfo } from '@nats-io/jetstream';
import { createHash } from 'node:crypto';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';
import { apiCode, persist } from './cluster-error.ts';
import type { Cluster } from './cluster.ts';
import { MailStream } from './mail-stream.ts';

export interface StreamOptions {
  /** The streams are called `<prefix>_MAIL_0`, `<prefix>_MARKS_0`, …; their subjects begin with the prefix. */
  readonly prefix: string;
  /** How many streams share the mailboxes. Written into the streams when they are made, and fixed from then on. */
  readonly shards: number;
  /** Copies of each message. */
  readonly replicas: number;
  /** How long mail is kept, in ms. */
  readonly keepMs: number;
  /** Messages kept per mailbox: beyond, the oldest go. */
  readonly keepMessages: number;
}

/** A mailbox's place in the cluster. */
export interface Address {
  readonly mail: MailStream;
  readonly marks: MailStream;
  readonly mailSubject: string;
  readonly marksSubject: string;
  /** Where the server says that mail has come: the headers of each message, without its text. */
  readonly hintSubject: string;
}

/** How long the servers know a message id, and with it that a message was sent again. */
const DUPLICATES_MS = 120_000;
const NANOS_PER_MS = 1_000_000;
const NAME_IN_USE = 10058;
const NOT_FOUND = 10059;
const UNSEEN_RETRIES = 20;
const OPEN_WITHIN_MS = 10_000;

/** The streams that keep the mailboxes: made when they are not there yet, never changed. */
export class Streams {
  readonly #options: StreamOptions;
  readonly #mail: readonly MailStream[];
  readonly #marks: readonly MailStream[];

  private constructor(options: StreamOptions, mail: readonly MailStream[], marks: readonly MailStream[]) {
    this.#options = options;
    this.#mail = mail;
    this.#marks = marks;
  }

  /** Throws STORE_FAILED when streams are there that were made otherwise. */
  static async open(cluster: Cluster, options: StreamOptions): Promise<Streams> {
    const numbers = Array.from({ length: options.shards }, (_, number) => number);
    const openAll = (configOf: (options: StreamOptions, shard: number) => Config): Promise<MailStream[]> =>
      Promise.all(numbers.map((shard) => openStream(cluster, configOf(options, shard), options)));
    return new Streams(options, await openAll(mailConfig), await openAll(marksConfig));
  }

  addressOf(mailbox: MailboxName): Address {
    const shard = shardOf(mailbox, this.#options.shards);
    const { prefix } = this.#options;
    const token = tokenOf(mailbox);
    return {
      mail: this.#mail[shard]!,
      marks: this.#marks[shard]!,
      mailSubject: `${mailSubjects(prefix, shard)}.${token}`,
      marksSubject: `${prefix}.marks.${shard}.${token}`,
      hintSubject: `${hintSubjects(prefix, shard)}.${token}`,
    };
  }

  /** Copies of each message, in the stream that has fewest. */
  get replicas(): number {
    return Math.min(...[...this.#mail, ...this.#marks].map(({ replicas }) => replicas));
  }

  /** All of them. */
  names(): string[] {
    return [...this.#mail, ...this.#marks].map(({ name }) => name);
  }
}

/** A mailbox's name as one token of a subject: dots and letters of all scripts have to go. */
export function tokenOf(name: string): string {
  return Buffer.from(name).toString('base64url');
}

/** For ever: a mailbox that moved to another stream would be empty. */
export function shardOf(mailbox: MailboxName, shards: number): number {
  return createHash('sha256').update(mailbox).digest().readUInt32BE(0) % shards;
}

type Config = Partial<StreamConfig> & { readonly name: string };

function mailConfig(options: StreamOptions, shard: number): Config {
  const { prefix, keepMs, keepMessages } = options;
  const subjects = `${mailSubjects(prefix, shard)}.*`;
  return {
    ...commonConfig(options),
    name: `${prefix}_MAIL_${shard}`,
    subjects: [subjects],
    max_age: keepMs * NANOS_PER_MS,
    max_msgs_per_subject: keepMessages,
    duplicate_window: Math.min(DUPLICATES_MS, keepMs) * NANOS_PER_MS,
    republish: { src: subjects, dest: `${hintSubjects(prefix, shard)}.{{wildcard(1)}}`, headers_only: true },
  };
}

function marksConfig(options: StreamOptions, shard: number): Config {
  const { prefix } = options;
  return {
    ...commonConfig(options),
    name: `${prefix}_MARKS_${shard}`,
    subjects: [`${prefix}.marks.${shard}.*`],
    max_msgs_per_subject: 1,
  };
}

function commonConfig({ shards, replicas }: StreamOptions): Partial<StreamConfig> {
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

function mailSubjects(prefix: string, shard: number): string {
  return `${prefix}.mail.${shard}`;
}

function hintSubjects(prefix: string, shard: number): string {
  return `${prefix}.hint.${shard}`;
}

async function openStream(cluster: Cluster, config: Config, options: StreamOptions): Promise<MailStream> {
  const { config: is } = await infoOrMake(cluster, config);
  const { shards, epoch } = is.metadata ?? {};
  if (!epoch || shards !== String(options.shards)) {
    throw new MailboxError(
      'STORE_FAILED',
      shards
        ? `These mailboxes are spread over ${shards} streams, for ever, not ${options.shards}. Use ${shards} shards.`
        : `The stream ${config.name} is there, but not ours. Choose another prefix.`,
    );
  }
  return new MailStream(is, Number(epoch), cluster);
}

/** Another server may make the same streams at the same moment: one of us comes second, and takes what is there. */
async function infoOrMake({ jsm }: Cluster, config: Config): Promise<StreamInfo> {
  for (let tried = 0; ; tried += 1) {
    const info = await unless(NOT_FOUND, config, () => jsm.streams.info(config.name));
    if (info) return info;
    const made = await unless(NAME_IN_USE, config, () => jsm.streams.add(config));
    if (made) return made;
    if (tried > UNSEEN_RETRIES) throw cannotOpen(config, new Error('it is there, and is not'));
  }
}

/** Undefined when JetStream answers with this one code. Servers that have just started may have no leader yet. */
async function unless<T>(code: number, config: Config, attempt: () => Promise<T>): Promise<T | undefined> {
  try {
    return await persist(attempt, () => OPEN_WITHIN_MS);
  } catch (error) {
    const cause = error instanceof MailboxError ? error.cause : error;
    if (apiCode(cause) === code) return undefined;
    throw cannotOpen(config, cause);
  }
}

function cannotOpen({ name, num_replicas: copies }: Config, error: unknown): MailboxError {
  const why = error instanceof Error ? error.message : String(error);
  return new MailboxError('STORE_FAILED', `The stream ${name} with ${copies} copies cannot be opened: ${why}.`, {
    cause: error,
  });
}
