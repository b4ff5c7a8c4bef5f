import type { Logger } from '../logger.ts';
import { MailboxError } from '../mailbox-error.ts';
import { mailboxName, type MailboxName } from '../mailbox-name.ts';
import type { MailboxStore } from '../mailbox-store.ts';
import { readStart, type Start } from './cursor.ts';
import { EventStream, notice, reconnectionMs, wireFrame } from './event-stream.ts';
import type { Exchange } from './exchange.ts';
import { HEARTBEAT_MS, type OpenStreams } from './open-streams.ts';
import { isPassing } from './problem.ts';

export interface StatusOptions {
  readonly store: MailboxStore;
  readonly streams: OpenStreams;
  readonly logger: Logger;
}

const BUSY_RETRY_MS = 10_000;
const READ_LIMIT = 500;

/**
 * `GET /status?receiver=henry` (or `?f=henry.txt`): the mailbox as an event stream, from a cursor on, for ever. Trouble
 * that passes is told on the stream: any status but 200 would end a browser's EventSource for good [sse].
 */
export async function streamStatus(exchange: Exchange, { store, streams, logger }: StatusOptions): Promise<void> {
  const mailbox = readReceiver(exchange);
  let start: Start;
  try {
    start = await readStart(exchange, store, mailbox);
  } catch (error) {
    if (!isPassing(error)) throw error;
    logger.warn({ err: error }, 'a stream could not begin');
    new EventStream(exchange.res, performance.now()).bye('busy', BUSY_RETRY_MS);
    return;
  }
  const stream = new EventStream(exchange.res, performance.now());
  streams.add(stream);
  try {
    await new Follow(store, mailbox, stream).run(start);
  } catch (error) {
    logger.warn({ err: error }, 'a stream was interrupted');
    stream.bye('busy', BUSY_RETRY_MS);
  }
}

function readReceiver({ query }: Exchange): MailboxName {
  const file = query.get('f');
  const receiver = query.get('receiver');
  if (file !== undefined && receiver !== undefined) {
    throw new MailboxError('INVALID_REQUEST', 'Give either receiver or f, not both.');
  }
  return mailboxName(receiver ?? file?.replace(/\.txt$/i, ''));
}

/** Brings a mailbox to a stream: hints wake it, reads decide. While the receiver is slow it does not read on. */
class Follow {
  readonly #store: MailboxStore;
  readonly #mailbox: MailboxName;
  readonly #stream: EventStream;
  #rung = false;
  #wake: (() => void) | undefined;

  constructor(store: MailboxStore, mailbox: MailboxName, stream: EventStream) {
    this.#store = store;
    this.#mailbox = mailbox;
    this.#stream = stream;
  }

  async run(start: Start): Promise<void> {
    const { oldest } = await this.#store.ends(this.#mailbox);
    const marks = await this.#store.marks(this.#mailbox);
    const cursor = start.lost === undefined ? (start.cursor ?? marks['delivered'] ?? oldest) : oldest;
    this.#begin(cursor);
    if (start.lost !== undefined) this.#tellGap(start.lost, oldest);
    if (start.proves) await this.#store.mark(this.#mailbox, 'delivered', cursor);

    const watching = this.#store.watch(this.#mailbox, () => this.#ring());
    this.#stream.onEnd(() => {
      this.#ring();
      void watching.then((unwatch) => unwatch());
    });
    try {
      await this.#sendFrom(cursor, start.cursor === undefined);
    } finally {
      await watching;
    }
  }

  #begin(cursor: string): void {
    const ready = notice('ready', { mailbox: this.#mailbox, heartbeatMs: HEARTBEAT_MS }, cursor);
    this.#stream.send(`retry: ${reconnectionMs()}\n\n${ready}`);
  }

  async #sendFrom(start: string, marks: boolean): Promise<void> {
    let cursor = start;
    while (this.#stream.isOpen) {
      this.#rung = false;
      const { events, gap } = await this.#store.read(this.#mailbox, cursor, READ_LIMIT);
      if (gap) {
        const { oldest } = await this.#store.ends(this.#mailbox);
        this.#tellGap(cursor, oldest);
        cursor = oldest;
        continue;
      }
      const last = events.at(-1)?.id;
      if (last === undefined) {
        await this.#rings();
        continue;
      }
      // Without a cursor of the client's, the kernel's taking the bytes is all the proof there is.
      const sent = marks
        ? () => void this.#store.mark(this.#mailbox, 'delivered', last).catch(() => undefined)
        : undefined;
      this.#stream.send(events.map(wireFrame).join(''), sent);
      cursor = last;
      await this.#stream.drained();
    }
  }

  #tellGap(after: string, oldest: string): void {
    this.#stream.send(notice('gap', { after, oldest }));
  }

  #ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  #rings(): Promise<void> {
    if (this.#rung) return Promise.resolve();
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
