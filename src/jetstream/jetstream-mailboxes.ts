import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { MailboxError, closed } from '../words/mailbox-error.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import type { Appended, BackPage, Batch, MailEvent, MailboxStore, MarkName, Message } from '../words/mailbox-store.ts';
import { messageData } from '../words/message-data.ts';
import { checkCluster, checkStreams } from './cluster-check.ts';
import { persist } from './cluster-error.ts';
import { connectTo, type Cluster } from './cluster.ts';
import { FIRST_ID, compareIds, cursorBefore, eventId, isEventId, placeOf, type Place } from './event-id.ts';
import { Hints } from './hints.ts';
import { JetStreamLive } from './jetstream-live.ts';
import { withDefaults, type JetStreamMailboxesOptions } from './jetstream-options.ts';
import { Marks } from './marks.ts';
import { lastBefore, pageBack } from './page-back.ts';
import { checkKind, ATTEMPT, FOREIGN, ORIGIN, TIME, TYPE, eventOf, hashOf, sameAgain } from './stored-event.ts';
import type { Stored, StreamSubject } from './stream-subject.ts';
import { Streams } from './streams.ts';
import { Turns } from '../words/turns.ts';

/** How long a store that closes waits for what is under way. */
const CLOSE_WITHIN_MS = 1500;
/** Without a cluster, waiting longer finishes nothing: senders try again with the same key. */
const GIVE_UP_MS = 3500;
const FLUSH_MS = 250;
const READY_MS = 2000;
/** Room for the headers, which count towards `max_payload`, too. */
const BYTES_BESIDE = 1024;

/** Mailboxes in streams of a NATS JetStream cluster. A message is accepted once it is on the disks of a majority. */
export class JetStreamMailboxes implements MailboxStore {
  readonly live: JetStreamLive;
  readonly isId = isEventId;
  readonly compare = compareIds;
  readonly lacks = ['edit', 'remove', 'files'] as const;
  readonly #cluster: Cluster;
  readonly #streams: Streams;
  readonly #hints: Hints;
  readonly #marks: Marks;
  readonly #senders = new Turns();
  #appendWithinMs: number;
  #closed = false;

  private constructor(streams: Streams) {
    this.#cluster = streams.cluster;
    this.#streams = streams;
    this.#appendWithinMs = this.#cluster.options.appendWithinMs;
    this.#hints = new Hints(streams);
    this.#marks = new Marks(streams);
    this.live = new JetStreamLive(this.#cluster);
  }

  /**
   * Connects, checks that the cluster can give our guarantees, and makes the streams if need be. Rejects with STORE_FAILED
   * and the reason when the client library is missing, no server answers, or the cluster could lose accepted mail.
   */
  static async open(options: JetStreamMailboxesOptions): Promise<JetStreamMailboxes> {
    const cluster = await connectTo(withDefaults(options));
    try {
      await checkCluster(cluster);
      const streams = await Streams.open(cluster);
      checkStreams(cluster, streams.all);
      return new JetStreamMailboxes(streams);
    } catch (error) {
      await cluster.nc.close();
      throw error;
    }
  }

  async append(mailbox: MailboxName, message: Message): Promise<Appended> {
    this.#check();
    checkKind(message);
    // One by one for each sender: a message that is tried again must not come after a later one.
    return this.#senders.run(() => this.#append(mailbox, message), `${mailbox}/${message.sender}`);
  }

  /** Does nothing: the servers give a place to what others publish. */
  // eslint-disable-next-line typescript/require-await -- the interface is asynchronous, this store answers at once
  async drain(): Promise<void> {
    this.#check();
  }

  async read(mailbox: MailboxName, after?: string, limit = 1000): Promise<Batch> {
    const mail = this.#mailOf(mailbox);
    const cursor = after ?? (await this.#marks.of(mailbox))['delivered'];
    const newest = (after && this.#hints.newest(mailbox)) || (await this.#newest(mailbox));
    const place = cursor === undefined ? undefined : placeOf(cursor);
    if (place !== undefined && place.epoch !== 0) return readAfter(mail, place, newest, limit);

    // The cursor of an empty mailbox. If the first mail may have been removed since then, that is a gap.
    const gap = place !== undefined && newest > 0 && (await mail.countFrom(1)).count >= mail.keepMessages;
    return { events: gap ? [] : eventsOf(await mail.range(1, newest, limit), mail), gap };
  }

  async readBack(mailbox: MailboxName, before?: string, limit = 50): Promise<BackPage> {
    const mail = this.#mailOf(mailbox);
    return pageBack(mail, before === undefined ? await this.#newest(mailbox) : lastBefore(before, mail.epoch), limit);
  }

  async get(mailbox: MailboxName, id: string): Promise<MailEvent | undefined> {
    const mail = this.#mailOf(mailbox);
    const { epoch, seq } = placeOf(id);
    const stored = epoch === mail.epoch && Number.isInteger(seq) ? await mail.at(seq) : undefined;
    return stored && eventOf(stored, epoch);
  }

  async ends(mailbox: MailboxName): Promise<{ oldest: string; newest: string }> {
    const mail = this.#mailOf(mailbox);
    const [oldest, newest] = await Promise.all([mail.oldest(), this.#newest(mailbox)]);
    if (oldest === 0 || newest === 0) return { oldest: FIRST_ID, newest: FIRST_ID };
    return { oldest: cursorBefore(mail.epoch, oldest), newest: eventId(mail.epoch, newest) };
  }

  async mark(mailbox: MailboxName, name: MarkName, id: string): Promise<void> {
    this.#check();
    if (this.#marks.move(mailbox, name, id)) this.#hints.ring(mailbox);
  }

  async marks(mailbox: MailboxName): Promise<Readonly<Record<string, string>>> {
    this.#check();
    return this.#marks.of(mailbox);
  }

  async watch(mailbox: MailboxName, ring: () => void): Promise<() => void> {
    this.#check();
    return this.#hints.watch(mailbox, ring);
  }

  async forget(mailbox: MailboxName): Promise<void> {
    await this.#mailOf(mailbox).purge();
    await this.#marks.forget(mailbox);
    this.#hints.forget(mailbox);
  }

  /**
   * Appends an event of another store with its time and type, and resolves to its id here. Throws MESSAGE_TOO_LONG if
   * it is longer than the servers' `max_payload`.
   */
  async bringIn(mailbox: MailboxName, { id, time, data, type, foreign }: MailEvent): Promise<string> {
    const mail = this.#mailOf(mailbox);
    const bytes = Buffer.byteLength(data);
    const most = this.#cluster.nc.info?.max_payload ?? Infinity;
    if (bytes > most - BYTES_BESIDE) {
      const what = `${bytes} bytes are more than the servers accept: raise their max_payload (it is ${most}).`;
      throw new MailboxError('MESSAGE_TOO_LONG', what);
    }
    const fields = { [TIME]: String(time), [ORIGIN]: id, [TYPE]: type, [FOREIGN]: foreign && 'yes' };
    const { seq } = await this.#publish(mail, `${hashOf(mailbox, ORIGIN)}/${id}`, data, fields);
    return eventId(mail.epoch, seq);
  }

  /** The events that `bringIn` has appended so far, in order: the id that each had, and the one it has here. */
  async *broughtIn(mailbox: MailboxName): AsyncGenerator<{ was: string; id: string }> {
    const mail = this.#mailOf(mailbox);
    for await (const { seq, header } of mail.each(1, await this.#newest(mailbox))) {
      const was = header.get(ORIGIN);
      if (was) yield { was, id: eventId(mail.epoch, seq) };
    }
  }

  /** Resolves when every stream has a leader that answers. */
  async ready(): Promise<void> {
    this.#check();
    await persist(
      () => Promise.all(this.#streams.all.map(({ name }) => this.#cluster.jsm.streams.info(name))),
      () => READY_MS,
    );
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#appendWithinMs = Math.min(this.#appendWithinMs, CLOSE_WITHIN_MS);
    await atMost(GIVE_UP_MS, Promise.all([this.#senders.over(), this.#marks.close(CLOSE_WITHIN_MS)]));
    this.#hints.close();
    this.live.close();
    const flushed = this.#cluster.nc.flush().catch(() => undefined); // without a connection, it fails or never resolves
    await atMost(FLUSH_MS, flushed);
    await this.#cluster.nc.close();
  }

  async #append(mailbox: MailboxName, message: Message): Promise<Appended> {
    const mail = this.#streams.subjectOf('mail', mailbox);
    const time = Date.now();
    const data = messageData(message, time);
    const { type } = message;
    const attempt = randomUUID();
    const fields = { [TIME]: String(time), [ATTEMPT]: attempt, [TYPE]: type };
    for (let id = hashOf(mailbox, message.sender, message.key); ;) {
      const { seq, duplicate } = await this.#publish(mail, id, data, fields);
      this.#hints.saw(mailbox, seq);
      const event = { id: eventId(mail.epoch, seq), time, data, type };
      if (!duplicate) return { event, repeated: false };

      const first = await mail.at(seq);
      if (first?.header.get(ATTEMPT) === attempt) return { event, repeated: false }; // ours: the answer was lost
      if (first) return { event: sameAgain(eventOf(first, mail.epoch), message), repeated: true };
      id = `${id}.${seq}`; // the message with this id was forgotten, but the servers still know the id
    }
  }

  #publish(mail: StreamSubject, msgID: string, data: string, fields: Readonly<Record<string, string | undefined>>) {
    const headers = this.#cluster.headers();
    for (const [name, value] of Object.entries(fields)) if (value !== undefined) headers.set(name, value);
    return persist(
      () => mail.publish(data, { msgID, headers }),
      () => this.#appendWithinMs,
    );
  }

  async #newest(mailbox: MailboxName): Promise<number> {
    const newest = await this.#streams.subjectOf('mail', mailbox).newest();
    this.#hints.saw(mailbox, newest);
    return newest;
  }

  /** The subject that holds the mail of a mailbox. */
  #mailOf(mailbox: MailboxName): StreamSubject {
    this.#check();
    return this.#streams.subjectOf('mail', mailbox);
  }

  #check(): void {
    if (this.#closed) throw closed();
  }
}

async function readAfter(mail: StreamSubject, place: Place, newest: number, limit: number): Promise<Batch> {
  const { epoch, seq } = place;
  if (epoch !== mail.epoch) return { events: [], gap: newest > 0 };
  if (newest <= seq) return { events: [], gap: false };
  // We read the event at the cursor, too: if it is there, so is everything after it.
  const anchor = Math.ceil(seq);
  const found = await mail.range(anchor, newest, limit + 1);
  if (found.length > 0 && found[0]!.seq !== anchor) return { events: [], gap: true };
  const after = found.filter((stored) => stored.seq > seq).slice(0, limit);
  // The event at the cursor may be so long that it comes alone.
  return { events: eventsOf(after.length > 0 ? after : await mail.range(anchor + 1, newest, limit), mail), gap: false };
}

function eventsOf(found: readonly Stored[], { epoch }: StreamSubject): MailEvent[] {
  return found.map((stored) => eventOf(stored, epoch));
}

async function atMost(ms: number, work: Promise<unknown>): Promise<void> {
  await Promise.race([work, setTimeout(ms, undefined, { ref: false })]);
}
