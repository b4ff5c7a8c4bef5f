import { Bell } from '../bell.ts';
import type { ChatCounts } from '../chat-counts.ts';
import type { Live, Notice } from '../live.ts';
import type { Logger } from '../logger.ts';
import { MailboxError } from '../mailbox-error.ts';
import { ROOM_PREFIX, mailboxName, personName, type MailboxName } from '../mailbox-name.ts';
import type { MailEvent, MailboxStore } from '../mailbox-store.ts';
import { readStart, type Start } from './cursor.ts';
import type { Door } from './door.ts';
import { EventStream } from './event-stream.ts';
import { header, sendJson, type Exchange } from './exchange.ts';
import { HEARTBEAT_MS, type OpenStreams } from './open-streams.ts';
import { codeOf, isPassing } from './problem.ts';
import type { Receipts } from './receipts.ts';
import { eventStreamFormat, jsonLinesFormat, type WireFormat } from './wire-format.ts';

export interface StatusOptions {
  readonly store: MailboxStore;
  readonly live: Live;
  readonly receipts: Receipts;
  readonly door: Door;
  readonly streams: OpenStreams;
  readonly people: readonly MailboxName[];
  readonly logger: Logger;
  readonly counts: ChatCounts;
}

const BUSY_RETRY_MS = 10_000;
const READ_LIMIT = 1000;
const MAX_WAIT_S = 60;
const MAX_WITH = 50;

/**
 * `GET /status?receiver=henry` (or `?f=henry.txt`): the mailbox from a cursor on, for ever. Trouble that passes is told
 * on the stream: any status but 200 would end a browser's EventSource for good [sse]. With `Accept: application/json`
 * it answers once, after `wait=` seconds at most; with `application/x-ndjson`, in lines of JSON.
 */
export async function getStatus(exchange: Exchange, options: StatusOptions): Promise<void> {
  const accept = header(exchange.req, 'accept') ?? '';
  if (accept.includes('application/x-ndjson')) return stream(exchange, options, jsonLinesFormat);
  if (accept.includes('application/json')) return poll(exchange, options);
  return stream(exchange, options, eventStreamFormat);
}

async function stream(exchange: Exchange, options: StatusOptions, format: WireFormat): Promise<void> {
  const { store, live, door, streams, logger, people, counts } = options;
  const audience = readAudience(exchange, people);
  await admit(exchange, audience, door);
  let start: Start;
  try {
    start = await readStart(exchange, store, audience.mailbox);
  } catch (error) {
    if (!isPassing(error)) throw error;
    counts.failed(codeOf(error));
    logger.warn({ err: error }, 'a stream could not begin');
    new EventStream(exchange.res, format).bye('busy', BUSY_RETRY_MS);
    return;
  }
  const events = new EventStream(exchange.res, format);
  if (streams.isFull(audience.mailbox)) {
    counts.failed('TOO_MANY_STREAMS');
    return events.bye('busy', BUSY_RETRY_MS);
  }
  streams.add(audience.mailbox, events, () => isStillAllowed(exchange, audience, door));
  try {
    await new Follow(audience.mailbox, events, options).begin(start, () => attend(audience, events, live));
  } catch (error) {
    interrupt(events, error, options);
  }
}

/** Long polling, for when a proxy holds streams back: what there is, or what comes first within the time. */
async function poll(exchange: Exchange, { store, receipts, people, door, counts }: StatusOptions): Promise<void> {
  const audience = readAudience(exchange, people);
  await admit(exchange, audience, door);
  const { mailbox } = audience;
  const waitS = exchange.query.get('wait') === '0' ? 0 : exchange.query.count('wait', 0, MAX_WAIT_S);
  const start = await readStart(exchange, store, mailbox);
  if (start.proves) await receipts.delivered(mailbox, start.cursor!);

  const bell = new Bell();
  if (waitS === 0) bell.stop();
  const timer = setTimeout(() => bell.stop(), waitS * 1000);
  exchange.res.once('close', () => bell.stop());
  const unwatch = waitS > 0 ? await store.watch(mailbox, () => bell.ring()) : undefined;
  try {
    let batch = await store.read(mailbox, start.cursor, READ_LIMIT);
    while (batch.events.length === 0 && !batch.gap && (await bell.rings())) {
      batch = await store.read(mailbox, start.cursor, READ_LIMIT);
    }
    const { oldest, newest } = await store.ends(mailbox);
    if (waitS > 0) await admit(exchange, audience, door); // the right to listen may have ended meanwhile
    const isGap = batch.gap || start.lost !== undefined;
    const { events } = batch.gap ? await store.read(mailbox, oldest, READ_LIMIT) : batch;
    const cursor = events.at(-1)?.id ?? start.cursor ?? newest;
    if (!exchange.res.writable) return;
    counts.sent(events.length);
    sendJson(exchange.res, 200, { events: events.map(plainEvent), cursor, gap: isGap });
  } finally {
    clearTimeout(timer);
    unwatch?.();
  }
}

function plainEvent({ id, type = 'message', data }: MailEvent): object {
  return { id, type, data };
}

/** Who listens to what: `receiver` or `f`; in a room also `person`; `with` names whose presence is of interest. */
interface Audience {
  readonly mailbox: MailboxName;
  readonly person: MailboxName | undefined;
  readonly room: MailboxName | undefined;
  readonly others: readonly MailboxName[];
}

function readAudience({ query }: Exchange, people: readonly MailboxName[]): Audience {
  const file = query.get('f');
  const receiver = query.get('receiver');
  if (file !== undefined && receiver !== undefined) {
    throw new MailboxError('INVALID_REQUEST', 'Give either receiver or f, not both.');
  }
  const mailbox = mailboxName(receiver ?? file?.replace(/\.txt$/i, ''));
  const person = query.get('person');
  if (mailbox.startsWith(ROOM_PREFIX)) {
    return { mailbox, room: mailbox, person: person === undefined ? undefined : personName(person), others: [] };
  }
  const named = (query.get('with') ?? '').split(',').filter((name) => name !== '');
  if (named.length > MAX_WITH) throw new MailboxError('INVALID_REQUEST', `"with" names at most ${MAX_WITH} people.`);
  const others = new Set([...people, ...named.map(personName)]);
  others.delete(mailbox);
  return { mailbox, room: undefined, person: mailbox, others: [...others] };
}

/** A mailbox is its owner's alone; a room is for everybody who belongs here, each under their own name. */
async function admit({ req }: Exchange, { mailbox, person, room }: Audience, door: Door): Promise<void> {
  if (room === undefined) await door.admit(req, mailbox);
  else if (person === undefined) await door.admitAnyone(req);
  else await door.admit(req, person);
}

async function isStillAllowed(exchange: Exchange, audience: Audience, door: Door): Promise<boolean> {
  try {
    await admit(exchange, audience, door);
    return true;
  } catch {
    return false;
  }
}

/** Joins the live side: the person is here now, and hears what is said to them and about the others. */
function attend({ mailbox, person, room, others }: Audience, events: EventStream, live: Live): void {
  const hear = ({ name, data }: Notice): void => {
    if (!events.isBackedUp) events.notify(name, data);
  };
  const stops = person === undefined ? [] : [live.arrive(person, room)]; // before listening: they know that they came
  for (const to of [mailbox, ...others.map((other) => `presence:${other}`)]) stops.push(live.listen(to, hear));
  events.onEnd(() => stops.forEach((stop) => stop()));

  if (room !== undefined && person !== undefined) {
    const count = live.inRoom(room).length;
    events.notify('presence', JSON.stringify({ person, ...live.presence(person, room), room, count }));
  }
  for (const other of others) events.notify('presence', JSON.stringify({ person: other, ...live.presence(other) }));
}

/**
 * Brings a mailbox to a stream: hints wake it, reads decide. While the receiver is slow it does not read on; while
 * nothing comes it costs nothing.
 */
class Follow {
  readonly #mailbox: MailboxName;
  readonly #stream: EventStream;
  readonly #options: StatusOptions;
  readonly #begun = Date.now();
  #cursor = '';
  #marks = false;
  #sending = false;
  #rung = false;

  constructor(mailbox: MailboxName, stream: EventStream, options: StatusOptions) {
    this.#mailbox = mailbox;
    this.#stream = stream;
    this.#options = options;
  }

  /** Resolves when the mailbox is listened to; what waits in it is on its way by then. */
  async begin(start: Start, begun: () => void): Promise<void> {
    const { store, receipts } = this.#options;
    const ends = await store.ends(this.#mailbox);
    this.#cursor = start.lost === undefined ? (start.cursor ?? (await this.#afterMark(ends))) : ends.oldest;
    this.#marks = start.cursor === undefined;
    this.#stream.begin(this.#mailbox, this.#cursor, HEARTBEAT_MS);
    begun();
    this.#countResume(start, ends.oldest);
    if (start.lost !== undefined) this.#tellGap(start.lost, ends.oldest);
    if (start.proves) await receipts.delivered(this.#mailbox, this.#cursor);

    const watching = store.watch(this.#mailbox, () => this.#ring());
    this.#ring();
    this.#stream.onEnd(await watching);
  }

  /** No cursor means: what has not been received. Who comes into a room hears what is said from now on. */
  async #afterMark({ oldest, newest }: { oldest: string; newest: string }): Promise<string> {
    if (this.#mailbox.startsWith(ROOM_PREFIX)) return newest;
    return (await this.#options.store.marks(this.#mailbox))['delivered'] ?? oldest;
  }

  #ring(): void {
    this.#rung = true;
    if (!this.#sending) void this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    this.#sending = true;
    try {
      while (this.#rung && this.#stream.isOpen) {
        this.#rung = false;
        while (this.#stream.isOpen && (await this.#sendSome())) await this.#stream.drained();
      }
    } catch (error) {
      interrupt(this.#stream, error, this.#options);
    } finally {
      this.#sending = false;
    }
  }

  /** Whether there may be more. */
  async #sendSome(): Promise<boolean> {
    const { store } = this.#options;
    const { events, gap } = await store.read(this.#mailbox, this.#cursor, READ_LIMIT);
    if (gap) {
      const { oldest } = await store.ends(this.#mailbox);
      this.#tellGap(this.#cursor, oldest);
      this.#cursor = oldest;
      return true;
    }
    const last = events.at(-1)?.id;
    if (last === undefined) return false;
    // Without a cursor of the client's, the kernel's taking the bytes is all the proof there is.
    this.#stream.send(events, this.#marks ? () => this.#taken(last) : undefined);
    this.#countSent(events);
    this.#cursor = last;
    return true;
  }

  #countResume({ cursor, proves, lost }: Start, oldest: string): void {
    const { store, counts } = this.#options;
    if (lost !== undefined || (proves && store.compare(cursor!, oldest) < 0)) counts.resumed('gap');
    else if (proves) counts.resumed('hit');
  }

  /** How long the mail was on its way; what came before this stream did not wait for us. */
  #countSent(events: readonly MailEvent[]): void {
    if (!this.#stream.isOpen) return;
    const { counts } = this.#options;
    const now = Date.now();
    counts.sent(events.length);
    for (const { time } of events) {
      if (time >= this.#begun) counts.delivered(Math.max(0, now - time) / 1000);
    }
  }

  #taken(upTo: string): void {
    if (this.#mailbox.startsWith(ROOM_PREFIX)) return;
    this.#options.store.mark(this.#mailbox, 'delivered', upTo).catch(() => undefined); // comes again with the next message
  }

  #tellGap(after: string, oldest: string): void {
    this.#stream.notify('gap', JSON.stringify({ after, oldest }));
  }
}

function interrupt(stream: EventStream, error: unknown, { counts, logger }: StatusOptions): void {
  counts.failed(codeOf(error));
  logger.warn({ err: error }, 'a stream was interrupted');
  stream.bye('busy', BUSY_RETRY_MS);
}
