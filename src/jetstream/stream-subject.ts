import type { JetStreamPublishOptions, MsgRequest, PubAck, StoredMsg, StreamConfig } from '@nats-io/jetstream';
import type { Msg } from '@nats-io/transport-node';
import { persist } from './cluster-error.ts';
import type { Cluster } from './cluster.ts';

/** A message in a stream. `pending`: how many messages of its subject come after it. */
export type Stored = Pick<StoredMsg, 'seq' | 'time' | 'data' | 'header' | 'pending'>;

const ANSWER_MS = 2000;
const MOST_BYTES = 1024 * 1024;
const MOST_AT_ONCE = 1000;

/** One subject of a stream: a mailbox has one for its mail and one for its marks. Any replica answers reads. */
export class StreamSubject {
  /** When the stream was made, Unix ms. If it is made again, its places mean something else. */
  readonly epoch: number;
  /** How many messages the subject keeps. */
  readonly keepMessages: number;
  readonly #cluster: Cluster;
  readonly #stream: string;
  readonly #subject: string;

  constructor(cluster: Cluster, { name, metadata, max_msgs_per_subject: keepMessages }: StreamConfig, subject: string) {
    this.epoch = Number(metadata?.['epoch']);
    this.keepMessages = keepMessages;
    this.#cluster = cluster;
    this.#stream = name;
    this.#subject = subject;
  }

  /** The place of the last message, as the leader knows it; 0 if there is none. */
  async newest(): Promise<number> {
    return (await this.last())?.seq ?? 0;
  }

  /** The place of the first message; 0 if there is none. */
  async oldest(): Promise<number> {
    return (await this.#ask({ seq: 1, next_by_subj: this.#subject }))?.seq ?? 0;
  }

  /** The last message, as the leader knows it. */
  last(): Promise<StoredMsg | null> {
    return this.#ask({ last_by_subj: this.#subject });
  }

  /** The message at a place, as the leader knows it; undefined if it is not of this subject, or gone. */
  async at(seq: number): Promise<Stored | undefined> {
    const stored = await this.#ask({ seq });
    return stored?.subject === this.#subject ? stored : undefined;
  }

  /**
   * The next messages from one place up to another, both included, oldest first: at least one, at most `limit`, about 1 MiB.
   * There must be, or have been, a message at `upTo`.
   */
  async range(from: number, upTo: number, limit: number): Promise<Stored[]> {
    if (from > upTo) return [];
    const found = await this.#next(from, limit);
    return found.filter(({ seq }) => seq <= upTo);
  }

  /** All messages from one place up to another, one by one. */
  async *each(from: number, upTo: number): AsyncGenerator<Stored> {
    for (let next = from; next <= upTo;) {
      const found = await this.range(next, upTo, MOST_AT_ONCE);
      yield* found;
      next = (found.at(-1)?.seq ?? upTo) + 1;
    }
  }

  /** The first place from `from` on, and how many messages there are from there on. Any replica answers: it may be old. */
  async countFrom(from: number): Promise<{ seq: number; count: number }> {
    const [message] = await persist(() => this.#batch(from, 1));
    return message ? { seq: message.seq, count: message.pending + 1 } : { seq: Infinity, count: 0 };
  }

  /** Resolves when a majority of the servers has stored it. Makes one attempt: repeat it with the same id. */
  publish(data: string, { expect, ...options }: Partial<JetStreamPublishOptions>): Promise<PubAck> {
    const expected = { streamName: this.#stream, ...expect };
    return this.#cluster.js.publish(this.#subject, data, { timeout: ANSWER_MS, ...options, expect: expected });
  }

  /** Removes every message. */
  async purge(): Promise<void> {
    await persist(() => this.#cluster.jsm.streams.purge(this.#stream, { filter: this.#subject }));
  }

  #ask(query: object): Promise<StoredMsg | null> {
    return persist(() => this.#cluster.jsm.streams.getMessage(this.#stream, query as MsgRequest));
  }

  /** The messages from a place on; none if they were removed. Any replica answers; if it is behind, we ask again. */
  #next(from: number, limit: number): Promise<Stored[]> {
    return persist(async () => {
      const messages = await this.#batch(from, limit);
      if (messages.length === 0 && (await this.newest()) >= from) throw new Error(`no replica is up to ${from}`);
      return messages;
    });
  }

  /** One answer of one replica. (The library's `direct.getBatch` waits for ever if the connection is lost halfway.) */
  async #batch(from: number, limit: number): Promise<Stored[]> {
    const query = { seq: from, next_by_subj: this.#subject, batch: limit, max_bytes: MOST_BYTES };
    const options = { strategy: 'timer', maxWait: ANSWER_MS } as const;
    const subject = `$JS.API.DIRECT.GET.${this.#stream}`;
    const found = [];
    for await (const message of await this.#cluster.nc.requestMany(subject, JSON.stringify(query), options)) {
      const code = message.headers?.code ?? 0;
      if (code === 204 || code === 404) return found;
      if (code !== 0) throw new Error(`${this.#stream}: ${code} ${message.headers?.description}`);
      found.push(storedIn(message));
    }
    throw new Error(`${this.#stream}: no end of an answer within ${ANSWER_MS} ms`);
  }
}

function storedIn({ headers, data }: Msg): Stored {
  const header = headers!;
  return {
    seq: Number(header.last('Nats-Sequence')),
    time: new Date(header.last('Nats-Time-Stamp')),
    pending: Number(header.last('Nats-Num-Pending')),
    data,
    header,
  };
}
