import type { Logger } from '../logger.ts';
import { MailboxError } from '../mailbox-error.ts';
import type { MailboxName } from '../mailbox-name.ts';
import { apiCode, persist } from './cluster-error.ts';
import type { Cluster } from './cluster.ts';
import { compareIds } from './event-id.ts';
import type { Streams } from './streams.ts';
import { Turns } from './turns.ts';

type Moved = Map<string, string>;

const WRITE_MS = 200;
const RETRY_MS = 1000;
const ANSWER_MS = 2000;
const WRONG_LAST = new Set([10071, 10164]);

/**
 * The marks of every mailbox: one message each, `{"delivered":"…","read:jjeong":"…"}`, the last one counts. Moves are
 * gathered for a moment and written over what was read, or not at all: a mark that another server moved stays moved.
 */
export class Marks {
  readonly #cluster: Cluster;
  readonly #streams: Streams;
  readonly #logger: Logger;
  readonly #unwritten = new Map<MailboxName, Moved>();
  readonly #turns = new Turns();
  #timer: NodeJS.Timeout | undefined;
  #withinMs = 10_000;
  #isClosing = false;

  constructor(cluster: Cluster, streams: Streams, logger: Logger) {
    this.#cluster = cluster;
    this.#streams = streams;
    this.#logger = logger;
  }

  /** Whether it moved, as far as is known here. */
  move(mailbox: MailboxName, name: string, id: string): boolean {
    const moved: Moved = this.#unwritten.get(mailbox) ?? new Map();
    if (!isLater(id, moved.get(name))) return false;
    this.#unwritten.set(mailbox, moved.set(name, id));
    this.#writeIn(WRITE_MS);
    return true;
  }

  async of(mailbox: MailboxName): Promise<Record<string, string>> {
    const { marks } = await this.#turns.take(mailbox, () => this.#stored(mailbox));
    return Object.fromEntries(merged(marks, this.#unwritten.get(mailbox) ?? new Map()));
  }

  async forget(mailbox: MailboxName): Promise<void> {
    this.#unwritten.delete(mailbox);
    const { marks, marksSubject } = this.#streams.addressOf(mailbox);
    await this.#turns.take(mailbox, () => marks.purge(marksSubject));
  }

  /** Writes what was put off. A mark that cannot be written now is given up: mail is at worst delivered again. */
  async close(withinMs: number): Promise<void> {
    clearTimeout(this.#timer);
    this.#withinMs = withinMs;
    this.#isClosing = true;
    await this.#writeAll();
    await this.#turns.over();
  }

  #writeIn(ms: number): void {
    if (this.#isClosing) return;
    this.#timer ??= setTimeout(() => void this.#writeAll(), ms).unref();
  }

  async #writeAll(): Promise<void> {
    this.#timer = undefined;
    const writing = Array.from(this.#unwritten.keys(), (mailbox) =>
      this.#turns
        .take(mailbox, () => this.#write(mailbox))
        .catch((error: unknown) => {
          this.#logger.warn({ err: error }, 'a mark could not be written: it is tried again');
          this.#writeIn(RETRY_MS);
        }),
    );
    await Promise.all(writing);
  }

  async #write(mailbox: MailboxName): Promise<void> {
    const moved: Moved = new Map(this.#unwritten.get(mailbox));
    const { marks: stream, marksSubject } = this.#streams.addressOf(mailbox);
    for (;;) {
      const { marks, seq } = await this.#stored(mailbox);
      const next = merged(marks, moved);
      if (isSame(next, marks)) break;
      const expect = { streamName: stream.name, lastSubjectSequence: seq };
      const text = JSON.stringify(Object.fromEntries(next));
      try {
        await persist(
          () => this.#cluster.js.publish(marksSubject, text, { timeout: ANSWER_MS, expect }),
          () => this.#withinMs,
        );
        break;
      } catch (error) {
        // Another server was quicker, or our first attempt was not in vain: look again.
        const cause = error instanceof MailboxError ? error.cause : error;
        if (!WRONG_LAST.has(apiCode(cause) ?? 0)) throw error;
      }
    }
    const later = this.#unwritten.get(mailbox);
    if (later === undefined) return;
    for (const [name, id] of moved) if (later.get(name) === id) later.delete(name);
    if (later.size === 0) this.#unwritten.delete(mailbox);
  }

  async #stored(mailbox: MailboxName): Promise<{ marks: Moved; seq: number }> {
    const { marks: stream, marksSubject } = this.#streams.addressOf(mailbox);
    const stored = await stream.last(marksSubject);
    if (!stored) return { marks: new Map(), seq: 0 };
    const fields = JSON.parse(Buffer.from(stored.data).toString('utf8')) as Record<string, string>;
    return { marks: new Map(Object.entries(fields)), seq: stored.seq };
  }
}

function merged(marks: Moved, moved: Moved): Moved {
  const both = new Map(marks);
  for (const [name, id] of moved) if (isLater(id, both.get(name))) both.set(name, id);
  return both;
}

function isLater(id: string, than: string | undefined): boolean {
  return than === undefined || compareIds(id, than) > 0;
}

function isSame(a: Moved, b: Moved): boolean {
  return a.size === b.size && [...a].every(([name, id]) => b.get(name) === id);
}
