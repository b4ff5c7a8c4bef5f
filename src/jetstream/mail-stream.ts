import type { MsgRequest, NextMsgRequest, StoredMsg, StreamConfig } from '@nats-io/jetstream';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import { busy, pause, persist } from './cluster-error.ts';
import type { Cluster } from './cluster.ts';

/** A message as it stands in a stream. */
export interface Stored {
  readonly subject: string;
  readonly seq: number;
  /** When it was stored, Unix ms. */
  readonly time: number;
  readonly data: Uint8Array;
  readonly headers: MsgHdrs | undefined;
}

/** What the server said to a publish. `repeated`: its id was used before, and `seq` is where. */
export interface Published {
  readonly seq: number;
  readonly repeated: boolean;
}

const ANSWER_MS = 2000;
const READ_WITHIN_MS = 10_000;
const MOST_BYTES = 1024 * 1024;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 250;

/** Requests to one stream of the cluster: reading by any replica, asking the leader, publishing. */
export class MailStream {
  readonly name: string;
  /** When the stream was made, Unix ms: a stream made anew has other places. */
  readonly epoch: number;
  /** Messages kept with one subject. */
  readonly keepMessages: number;
  /** Copies of each message. */
  readonly replicas: number;
  readonly #cluster: Cluster;

  constructor(
    { name, max_msgs_per_subject: keepMessages, num_replicas: replicas }: StreamConfig,
    epoch: number,
    cluster: Cluster,
  ) {
    this.name = name;
    this.epoch = epoch;
    this.keepMessages = keepMessages;
    this.replicas = replicas;
    this.#cluster = cluster;
  }

  /** Where the last message with this subject stands, 0 when there is none. The leader knows. */
  async newest(subject: string): Promise<number> {
    return (await this.#ask({ last_by_subj: subject }))?.seq ?? 0;
  }

  /** Where the first message with this subject stands, 0 when there is none. */
  async oldest(subject: string): Promise<number> {
    return (await this.#ask({ seq: 1, next_by_subj: subject }))?.seq ?? 0;
  }

  /** What stands at a place, by the leader's word. */
  at(seq: number): Promise<Stored | undefined> {
    return this.#ask({ seq });
  }

  /** The last message with this subject, by the leader's word. */
  last(subject: string): Promise<Stored | undefined> {
    return this.#ask({ last_by_subj: subject });
  }

  /**
   * Messages with this subject from one place up to another, both included, oldest first: at most `limit` of them or
   * 1 MiB. Any replica answers; one that is behind is asked again, because what stands at `upTo` is known to be there.
   */
  async range(subject: string, from: number, upTo: number, limit: number): Promise<Stored[]> {
    const found: Stored[] = [];
    const begunMs = performance.now();
    let next = from;
    let last = upTo;
    let bytes = 0;
    let pauseMs = 0;
    while (next <= last) {
      const messages = await this.#batch({ seq: next, next_by_subj: subject, batch: limit - found.length });
      for (const message of messages) {
        if (message.seq > last) return found;
        found.push(message);
        bytes += message.data.length;
        next = message.seq + 1;
      }
      if (found.length >= limit || (bytes >= MOST_BYTES && found.length > 1)) return found; // one would be the cursor's own
      pauseMs = messages.length > 0 ? 0 : Math.min(2 * pauseMs + FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
      if (pauseMs === 0) continue;
      if (performance.now() - begunMs > READ_WITHIN_MS) throw busy(new Error(`no replica is up to ${last}`));
      await pause(pauseMs);
      last = Math.min(last, await this.newest(subject)); // what was there may have been removed
    }
    return found;
  }

  /** The first place from `from` on with this subject, and how many there are from there to the end: a hint, any replica. */
  async countFrom(subject: string, from: number): Promise<{ seq: number; count: number }> {
    const [message] = await this.#batch({ seq: from, next_by_subj: subject, batch: 1 });
    return message ? { seq: message.seq, count: message.pending + 1 } : { seq: Infinity, count: 0 };
  }

  /** Stored on a majority of the servers when it resolves. One attempt: to be repeated with the same id. */
  async publish(subject: string, id: string, data: Uint8Array, headers: MsgHdrs): Promise<Published> {
    const options = { msgID: id, headers, timeout: ANSWER_MS, expect: { streamName: this.name } };
    const { seq, duplicate } = await this.#cluster.js.publish(subject, data, options);
    return { seq, repeated: duplicate };
  }

  /** Removes every message with this subject. */
  async purge(subject: string): Promise<void> {
    await persist(
      () => this.#cluster.jsm.streams.purge(this.name, { filter: subject }),
      () => READ_WITHIN_MS,
    );
  }

  async #ask(query: MsgRequest | NextMsgRequest): Promise<Stored | undefined> {
    const stored = await persist(
      () => this.#cluster.jsm.streams.getMessage(this.name, query as MsgRequest),
      () => READ_WITHIN_MS,
    );
    return stored === null ? undefined : pick(stored);
  }

  /** One answer of one replica. Nothing found is an answer too. */
  #batch(query: object): Promise<(Stored & { pending: number })[]> {
    return persist(
      () => this.#batchOnce(JSON.stringify({ ...query, max_bytes: MOST_BYTES })),
      () => READ_WITHIN_MS,
    );
  }

  async #batchOnce(query: string): Promise<(Stored & { pending: number })[]> {
    const found = [];
    const subject = `$JS.API.DIRECT.GET.${this.name}`;
    const answers = await this.#cluster.nc.requestMany(subject, query, { strategy: 'timer', maxWait: ANSWER_MS });
    for await (const message of answers) {
      const code = message.headers?.code ?? 0;
      if (code === 204 || code === 404) return found;
      if (code !== 0) throw new Error(`${this.name}: ${code} ${message.headers?.description}`);
      found.push(storedIn(message));
    }
    throw new Error(`${this.name}: no end of an answer within ${ANSWER_MS} ms`);
  }
}

function pick({ subject, seq, time, data, header }: StoredMsg): Stored {
  return { subject, seq, time: time.getTime(), data, headers: header };
}

function storedIn({ headers, data }: Msg): Stored & { pending: number } {
  return {
    subject: headers!.last('Nats-Subject'),
    seq: Number(headers!.last('Nats-Sequence')),
    time: Date.parse(headers!.last('Nats-Time-Stamp')),
    pending: Number(headers!.last('Nats-Num-Pending')),
    data,
    headers,
  };
}
