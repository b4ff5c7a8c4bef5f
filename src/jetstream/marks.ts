import type { MailboxName } from '../words/mailbox-name.ts';
import { newestReads } from '../words/newest-reads.ts';
import { persist } from './cluster-error.ts';
import { compareIds } from './event-id.ts';
import type { StreamSubject } from './stream-subject.ts';
import type { Streams } from './streams.ts';
import { Turns } from '../words/turns.ts';

type Moved = Map<string, string>;

const WRITE_MS = 200;
const RETRY_MS = 1000;

/**
 * The marks of all mailboxes. The last message of a mailbox's subject holds them: `{"delivered":"…","read:jjeong":"…"}`.
 * Moves are collected for a moment, then written together. A write fails if another server has written since we read:
 * so no mark moves back.
 */
export class Marks {
  readonly #streams: Streams;
  readonly #unwritten = new Map<MailboxName, Moved>();
  readonly #turns = new Turns();
  #timer: NodeJS.Timeout | undefined;
  #withinMs = 10_000;
  #isClosing = false;

  constructor(streams: Streams) {
    this.#streams = streams;
  }

  /** Whether it moved, as far as this process knows. */
  move(mailbox: MailboxName, name: string, id: string): boolean {
    const moved: Moved = this.#unwritten.get(mailbox) ?? new Map();
    if (!isLater(id, moved.get(name))) return false;
    this.#unwritten.set(mailbox, moved.set(name, id));
    this.#writeIn(WRITE_MS);
    return true;
  }

  async of(mailbox: MailboxName): Promise<Record<string, string>> {
    const { marks } = await this.#turns.run(() => storedIn(this.#streams.subjectOf('marks', mailbox)), mailbox);
    return Object.fromEntries([...marks, ...laterThan(marks, this.#unwritten.get(mailbox) ?? new Map())]);
  }

  async forget(mailbox: MailboxName): Promise<void> {
    this.#unwritten.delete(mailbox);
    await this.#turns.run(() => this.#streams.subjectOf('marks', mailbox).purge(), mailbox);
  }

  /** Writes what is still unwritten. If that fails, a mark is lost: at worst, mail is delivered again. */
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
        .run(() => this.#write(mailbox), mailbox)
        .catch((error: unknown) => {
          this.#streams.cluster.options.logger.warn({ err: error }, 'a mark could not be written yet: trying again');
          this.#writeIn(RETRY_MS);
        }),
    );
    await Promise.all(writing);
  }

  async #write(mailbox: MailboxName): Promise<void> {
    const moved: Moved = new Map(this.#unwritten.get(mailbox));
    await persist(
      () => writeOver(this.#streams.subjectOf('marks', mailbox), moved),
      () => this.#withinMs,
    );
    const later = this.#unwritten.get(mailbox);
    for (const [name, id] of moved) if (later?.get(name) === id) later.delete(name);
    if (later?.size === 0) this.#unwritten.delete(mailbox);
  }
}

/** Fails if another server was quicker: the next attempt reads what it wrote. */
async function writeOver(subject: StreamSubject, moved: Moved): Promise<void> {
  const { marks, seq } = await storedIn(subject);
  const later = laterThan(marks, moved);
  if (later.length === 0) return;
  const text = JSON.stringify(newestReads(Object.fromEntries([...marks, ...later]), compareIds));
  await subject.publish(text, { expect: { lastSubjectSequence: seq } });
}

async function storedIn(subject: StreamSubject): Promise<{ marks: Moved; seq: number }> {
  const stored = await subject.last();
  const marks = stored?.json<Record<string, string>>() ?? {};
  return { marks: new Map(Object.entries(marks)), seq: stored?.seq ?? 0 };
}

function laterThan(marks: Moved, moved: Moved): [name: string, id: string][] {
  return [...moved].filter(([name, id]) => isLater(id, marks.get(name)));
}

function isLater(id: string, than: string | undefined): boolean {
  return than === undefined || compareIds(id, than) > 0;
}
