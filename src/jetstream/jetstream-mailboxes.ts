import { createHash, randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { isForeignType } from '../event-type.ts';
import { silent, type Logger } from '../logger.ts';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';
import type { Appended, Batch, MailEvent, MailboxStore, MarkName, Message } from '../mailbox-store.ts';
import { messageData } from '../message-data.ts';
import { isPrefix, MAX_SHARDS, type Allowance } from './address.ts';
import { checkCluster, checkReplicas } from './cluster-check.ts';
import { persist } from './cluster-error.ts';
import { connectTo, type Cluster } from './cluster.ts';
import { FIRST_ID, compareIds, cursorBefore, eventId, isEventId, placeOf } from './event-id.ts';
import { Hints } from './hints.ts';
import { JetStreamLive } from './jetstream-live.ts';
import type { MailStream, Stored } from './mail-stream.ts';
import { Marks } from './marks.ts';
import { loadNats } from './nats.ts';
import { Streams } from './streams.ts';
import { Turns } from './turns.ts';

export interface JetStreamMailboxesOptions {
  /** Addresses of the cluster's servers: `nats://host:4222`, or several of them. `tls://`, `user:password@` are understood. */
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
  /** Messages kept per mailbox, read or not: beyond, the oldest go. Default 200,000. */
  readonly keepMessages?: number;
  /** Monitoring addresses of the servers, `http://host:8222`, where it is checked that they write before they acknowledge. */
  readonly monitors?: readonly string[];
  /** What may be less than the promises need. Default nothing. */
  readonly allow?: readonly Allowance[];
  /** How long an append is tried again while the cluster has no leader, in ms. Default 20 s. */
  readonly appendWithinMs?: number;
  readonly logger?: Logger;
}

const DAY_MS = 24 * 60 * 60 * 1000;
const APPEND_WITHIN_MS = 20_000;
/** A store that closes has so long to finish what was begun. */
const CLOSE_WITHIN_MS = 1500;
/** When the cluster is away, nothing more is finished by waiting: senders try again with the same key. */
const GIVE_UP_MS = 3500;
const FLUSH_MS = 250;
const READY_MS = 2000;
const MOST_AT_ONCE = 1000;
const MOST_BACK = 500;
const MOST_BACK_BYTES = 1024 * 1024;
/** A page is found when what is read for it is at most so many times as long. */
const SLACK = 2;
const MAX_PROBES = 24;

const TIME = 'Mailbox-Time';
const TYPE = 'Mailbox-Type';
const ATTEMPT = 'Mailbox-Attempt';
const ORIGIN = 'Mailbox-Origin';
/** Headers count, too. */
const BYTES_BESIDE = 1024;

/** Mailboxes in streams of a NATS JetStream cluster: every message on the disks of a majority before it is accepted. */
export class JetStreamMailboxes implements MailboxStore {
  readonly live: JetStreamLive;
  readonly #cluster: Cluster;
  readonly #streams: Streams;
  readonly #hints: Hints;
  readonly #marks: Marks;
  readonly #senders = new Turns();
  #appendWithinMs: number;
  #closed = false;

  private constructor(cluster: Cluster, streams: Streams, prefix: string, appendWithinMs: number, logger: Logger) {
    this.#cluster = cluster;
    this.#streams = streams;
    this.#appendWithinMs = appendWithinMs;
    this.#hints = new Hints(cluster, streams, logger);
    this.#marks = new Marks(cluster, streams, logger);
    this.live = new JetStreamLive(cluster, prefix, logger);
  }

  /**
   * Connects, checks that the cluster keeps what we promise, and makes the streams if need be. Rejects with STORE_FAILED
   * and the reason when the client library is missing, no server answers, or the cluster could lose accepted mail.
   */
  static async open(options: JetStreamMailboxesOptions): Promise<JetStreamMailboxes> {
    const { prefix = 'MAILBOX', shards = 8, replicas = 3, keepMs = 365 * DAY_MS, keepMessages = 200_000 } = options;
    checkOptions(prefix, shards);
    const logger = options.logger ?? silent;
    const servers = typeof options.servers === 'string' ? options.servers.split(',') : options.servers;
    const cluster = await connectTo(await loadNats(), servers, options.credentials);
    try {
      const wanted = { replicas, monitors: options.monitors ?? [], allow: new Set(options.allow) };
      await checkCluster(cluster, wanted);
      const streams = await Streams.open(cluster, { prefix, shards, replicas, keepMs, keepMessages });
      checkReplicas(streams.replicas, wanted);
      return new JetStreamMailboxes(cluster, streams, prefix, options.appendWithinMs ?? APPEND_WITHIN_MS, logger);
    } catch (error) {
      await cluster.nc.close();
      throw error;
    }
  }

  // eslint-disable-next-line typescript/require-await -- what is closed must reject, not throw
  async append(mailbox: MailboxName, message: Message): Promise<Appended> {
    this.#check();
    // One sender's messages go one after the other: tried again, an earlier one must not come after a later one.
    return this.#senders.take(`${mailbox}/${message.sender}`, () => this.#append(mailbox, message));
  }

  async read(mailbox: MailboxName, after?: string, limit = 1000): Promise<Batch> {
    this.#check();
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    const cursor = after ?? (await this.#marks.of(mailbox))['delivered'];
    const newest = (after && this.#hints.newest(mailbox)) || (await this.#newest(mailbox));
    if (cursor === undefined) return { events: await this.#events(mailbox, 1, newest, limit), gap: false };

    const { epoch, seq, isBetween } = placeOf(cursor);
    if (epoch === 0) return this.#readFromFirst(mailbox, newest, limit);
    if (epoch !== mail.epoch) return { events: [], gap: newest > 0 };
    // The event at the cursor is read too: it says whether everything after it is still there.
    const anchor = isBetween ? seq + 1 : seq;
    if (newest <= seq) return { events: [], gap: false };
    const found = await mail.range(mailSubject, anchor, newest, limit + 1);
    if (found.length > 0 && found[0]!.seq !== anchor) return { events: [], gap: true };
    const events = (isBetween ? found.slice(0, limit) : found.slice(1)).map((stored) => eventOf(stored, mail.epoch));
    return { events, gap: false };
  }

  /** No way leads back in a stream: counts tell where to begin, so that what is read forward is about a page. */
  async readBack(mailbox: MailboxName, before?: string, limit = 50): Promise<{ events: MailEvent[]; more?: string }> {
    this.#check();
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    const end = before === undefined ? await this.#newest(mailbox) : lastBefore(before, mail.epoch);
    if (end < 1) return { events: [] };
    const most = Math.min(limit, MOST_BACK);
    const from = await pageBefore(mail, mailSubject, end, most);
    let last = await this.#lastUpTo(mailbox, from.seq, end, most);
    if (last.events.length === 0) last = await this.#lastUpTo(mailbox, 1, end, most); // a replica that was behind counted
    const events = last.events.toReversed();
    const isMore = events.length > 0 && (!from.isFirst || last.isCut);
    return isMore ? { events, more: events.at(-1)!.id } : { events };
  }

  isId(text: string): boolean {
    return isEventId(text);
  }

  compare(a: string, b: string): number {
    return compareIds(a, b);
  }

  async ends(mailbox: MailboxName): Promise<{ oldest: string; newest: string }> {
    this.#check();
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    const [oldest, newest] = await Promise.all([mail.oldest(mailSubject), this.#newest(mailbox)]);
    if (oldest === 0 || newest === 0) return { oldest: FIRST_ID, newest: FIRST_ID };
    return { oldest: cursorBefore(mail.epoch, oldest), newest: eventId(mail.epoch, newest) };
  }

  // eslint-disable-next-line typescript/require-await -- the seam is asynchronous, this store answers at once
  async mark(mailbox: MailboxName, name: MarkName, id: string): Promise<void> {
    this.#check();
    if (this.#marks.move(mailbox, name, id)) this.#hints.ring(mailbox);
  }

  // eslint-disable-next-line typescript/require-await -- as above
  async marks(mailbox: MailboxName): Promise<Readonly<Record<string, string>>> {
    this.#check();
    return this.#marks.of(mailbox);
  }

  // eslint-disable-next-line typescript/require-await -- as above
  async watch(mailbox: MailboxName, ring: () => void): Promise<() => void> {
    this.#check();
    return this.#hints.watch(mailbox, ring);
  }

  async forget(mailbox: MailboxName): Promise<void> {
    this.#check();
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    await mail.purge(mailSubject);
    await this.#marks.forget(mailbox);
    this.#hints.forget(mailbox);
  }

  /**
   * Takes over an event of another store, with its time and type, at the end of the mailbox; resolves to its id here.
   * Throws MESSAGE_TOO_LONG when the servers' `max_payload` is less.
   */
  async bringIn(mailbox: MailboxName, { id, time, data, type }: MailEvent): Promise<string> {
    this.#check();
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    const headers = this.#headersOf({
      [TIME]: String(time),
      [ORIGIN]: id,
      ...(type !== undefined && { [TYPE]: type }),
    });
    const bytes = Buffer.from(data);
    const most = (this.#cluster.nc.info?.max_payload ?? Infinity) - BYTES_BESIDE;
    if (bytes.length > most) {
      const what = `${bytes.length} bytes are more than the servers take: raise their max_payload (it is ${most + BYTES_BESIDE}).`;
      throw new MailboxError('MESSAGE_TOO_LONG', what);
    }
    const { seq } = await persist(
      () => mail.publish(mailSubject, `${hashOf(mailbox, ORIGIN)}/${id}`, bytes, headers),
      () => this.#appendWithinMs,
    );
    return eventId(mail.epoch, seq);
  }

  /** What was brought in so far, in order: the id that each event had, and the one it has here. */
  async *broughtIn(mailbox: MailboxName): AsyncGenerator<{ was: string; id: string }> {
    this.#check();
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    const newest = await this.#newest(mailbox);
    for (let next = 1; next <= newest;) {
      const found = await mail.range(mailSubject, next, newest, MOST_AT_ONCE);
      for (const { seq, headers } of found) {
        const was = headers?.get(ORIGIN);
        if (was) yield { was, id: eventId(mail.epoch, seq) };
      }
      if (found.length === 0) return;
      next = found.at(-1)!.seq + 1;
    }
  }

  /** Resolves when every stream has a leader that answers. */
  async ready(): Promise<void> {
    this.#check();
    await persist(
      () => Promise.all(this.#streams.names().map((name) => this.#cluster.jsm.streams.info(name))),
      () => READY_MS,
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#appendWithinMs = Math.min(this.#appendWithinMs, CLOSE_WITHIN_MS);
    const finished = Promise.all([this.#senders.over(), this.#marks.close(CLOSE_WITHIN_MS)]);
    await Promise.race([finished, setTimeout(GIVE_UP_MS, undefined, { ref: false })]);
    this.#hints.close();
    this.live.close();
    // Without a connection nothing can be flushed.
    await Promise.race([
      this.#cluster.nc.flush().catch(() => undefined),
      setTimeout(FLUSH_MS, undefined, { ref: false }),
    ]);
    await this.#cluster.nc.close();
  }

  async #append(mailbox: MailboxName, message: Message): Promise<Appended> {
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    const time = Date.now();
    const data = messageData(message, time);
    const attempt = randomUUID();
    const headers = this.#headersOf({ [TIME]: String(time), [ATTEMPT]: attempt });
    for (let id = publishId(mailbox, message); ;) {
      const { seq, repeated } = await persist(
        () => mail.publish(mailSubject, id, Buffer.from(data), headers),
        () => this.#appendWithinMs,
      );
      this.#hints.saw(mailbox, seq);
      const event = { id: eventId(mail.epoch, seq), time, data };
      if (!repeated) return { event, repeated: false };

      const first = await mail.at(seq);
      if (first?.headers?.get(ATTEMPT) === attempt) return { event, repeated: false }; // ours, whose answer was lost
      if (first?.subject === mailSubject)
        return { event: sameAgain(eventOf(first, mail.epoch), message), repeated: true };
      id = `${id}.${seq}`; // what had this id was forgotten, which the servers do not know
    }
  }

  /** From the cursor of an empty mailbox. Where its first mail may have had to go since, that is a gap. */
  async #readFromFirst(mailbox: MailboxName, newest: number, limit: number): Promise<Batch> {
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    const isFull = newest > 0 && (await mail.countFrom(mailSubject, 1)).count >= mail.keepMessages;
    return isFull ? { events: [], gap: true } : { events: await this.#events(mailbox, 1, newest, limit), gap: false };
  }

  /** The last events up to a place: at most `limit`, and about 1 MiB, of those that begin at `from`. */
  async #lastUpTo(
    mailbox: MailboxName,
    from: number,
    upTo: number,
    limit: number,
  ): Promise<{ events: MailEvent[]; isCut: boolean }> {
    const events: MailEvent[] = [];
    let bytes = 0;
    let isCut = false;
    for (let next = from; next <= upTo;) {
      const found = await this.#events(mailbox, next, upTo, MOST_AT_ONCE);
      if (found.length === 0) break;
      for (const event of found) bytes += event.data.length;
      events.push(...found);
      while (events.length > limit || (bytes > MOST_BACK_BYTES && events.length > 1)) {
        bytes -= events.shift()!.data.length;
        isCut = true;
      }
      next = placeOf(found.at(-1)!.id).seq + 1;
    }
    return { events, isCut };
  }

  async #events(mailbox: MailboxName, from: number, upTo: number, limit: number): Promise<MailEvent[]> {
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    const found = await mail.range(mailSubject, from, upTo, limit);
    return found.map((stored) => eventOf(stored, mail.epoch));
  }

  async #newest(mailbox: MailboxName): Promise<number> {
    const { mail, mailSubject } = this.#streams.addressOf(mailbox);
    const newest = await mail.newest(mailSubject);
    this.#hints.saw(mailbox, newest);
    return newest;
  }

  #headersOf(fields: Readonly<Record<string, string>>) {
    const headers = this.#cluster.nats.headers();
    for (const [name, value] of Object.entries(fields)) headers.set(name, value);
    return headers;
  }

  #check(): void {
    if (this.#closed) throw new MailboxError('CLOSED', 'The mailboxes are closed: the server is shutting down.');
  }
}

function checkOptions(prefix: string, shards: number): void {
  if (!isPrefix(prefix)) throw new RangeError('prefix must be 1 to 32 letters, digits, "-" or "_"');
  if (!Number.isInteger(shards) || shards < 1 || shards > MAX_SHARDS) {
    throw new RangeError(`shards must be a whole number from 1 to ${MAX_SHARDS}`);
  }
}

/** By this the servers know a message that is sent again. */
function publishId(mailbox: MailboxName, { sender, key }: Message): string {
  return hashOf(mailbox, sender, key);
}

function hashOf(...words: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(words)).digest('base64url');
}

function sameAgain(event: MailEvent, { message }: Message): MailEvent {
  if ((JSON.parse(event.data) as Message).message === message) return event;
  throw new MailboxError('KEY_REUSED', 'This key was used for another message. Use a new key for a new message.');
}

/** What others published under our subjects is foreign mail: it has no time of its own, and may have any line ends. */
function eventOf({ seq, time, data, headers }: Stored, epoch: number): MailEvent {
  const text = Buffer.from(data).toString('utf8');
  const ownTime = Number(headers?.get(TIME) || NaN);
  const type = headers?.get(TYPE) ?? '';
  const event = {
    id: eventId(epoch, seq),
    time: Number.isSafeInteger(ownTime) ? ownTime : time,
    data: text.includes('\r') ? text.replaceAll(/\r\n?/g, '\n') : text, // on a stream, CR would end the line [sse]
  };
  return isForeignType(type) ? { ...event, type } : event;
}

/** The last place before a cursor; 0: nothing comes before it. */
function lastBefore(cursor: string, currentEpoch: number): number {
  const { epoch, seq, isBetween } = placeOf(cursor);
  if (epoch !== currentEpoch) return 0;
  return isBetween ? seq : seq - 1;
}

/** Where to begin so that at least `limit` messages stand from there up to `end`, but not many more. */
async function pageBefore(
  mail: MailStream,
  subject: string,
  end: number,
  limit: number,
): Promise<{ seq: number; isFirst: boolean }> {
  const [first, after] = await Promise.all([mail.countFrom(subject, 1), mail.countFrom(subject, end + 1)]);
  let tooMany = { seq: Math.min(first.seq, end), count: first.count - after.count };
  let tooFew = { seq: end + 1, count: 0 };
  for (let probes = 0; tooMany.count > SLACK * limit && probes < MAX_PROBES; probes += 1) {
    const share = (1.5 * limit - tooFew.count) / (tooMany.count - tooFew.count);
    const between = Math.round(tooFew.seq - (tooFew.seq - tooMany.seq) * share);
    const seq = Math.max(tooMany.seq + 1, Math.min(tooFew.seq - 1, between));
    if (seq >= tooFew.seq) break;
    const found = { seq, count: (await mail.countFrom(subject, seq)).count - after.count };
    if (found.count < limit) tooFew = found;
    else tooMany = found;
  }
  return { seq: tooMany.seq, isFirst: tooMany.seq <= first.seq };
}
