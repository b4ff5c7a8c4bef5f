import { readFileSync } from 'node:fs';
import { isErrno } from '../words/mailbox-error.ts';
import { newestReads } from '../words/newest-reads.ts';
import type { MarkName } from '../words/mailbox-store.ts';
import { writeError } from './disk.ts';
import { compareIds, isEventId, laterId } from './event-id.ts';
import { replaceFileAsync } from './replace-file.ts';

const WRITE_MS = 200;
const RETRY_MS = 1000;

type MarkIds = Readonly<Record<string, string>>;

/**
 * The ids up to which a mailbox's mail was received, and up to which each sender's messages were read: `.marks/henry.json`
 *
 *     {"delivered":"1763600000000-0","read":{"jjeong":"1763600000000-0"}}
 *
 * The file is read once, since only the owner of the directory moves marks.
 */
export class Marks {
  readonly #path: string;
  readonly #onError: (error: unknown) => void;
  #marks: MarkIds;
  #isWritten = true;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> = Promise.resolve();

  /** `onError` is called if the marks cannot be written. Writing is then tried again. */
  constructor(path: string, onError: (error: unknown) => void) {
    this.#path = path;
    this.#onError = onError;
    this.#marks = readMarks(path);
  }

  get all(): MarkIds {
    return this.#marks;
  }

  get isWritten(): boolean {
    return this.#isWritten;
  }

  /** Moves a mark. It is written a moment later, so that many moves cost one write. False if the mark is already there. */
  move(name: MarkName, id: string): boolean {
    const known = this.#marks[name];
    if (known !== undefined && laterId(known, id) === known) return false;
    this.#marks = newestReads({ ...this.#marks, [name]: id }, compareIds);
    this.#isWritten = false;
    this.#writeIn(WRITE_MS);
    return true;
  }

  /** Writes moved marks now. Resolves when they are on disk, or could not be written. */
  write(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    return (this.#writing = this.#writing.then(() => this.#writeMoved()));
  }

  /** Stops writing: the mailbox is being forgotten. */
  drop(): Promise<void> {
    this.#isWritten = true;
    return this.write();
  }

  async #writeMoved(): Promise<void> {
    if (this.#isWritten) return;
    this.#isWritten = true;
    try {
      await replaceFileAsync(this.#path, JSON.stringify(nested(this.#marks)));
    } catch (error) {
      this.#isWritten = false;
      this.#onError(writeError(error));
      this.#writeIn(RETRY_MS);
    }
  }

  #writeIn(ms: number): void {
    this.#timer ??= setTimeout(() => void this.write(), ms).unref();
  }
}

function readMarks(path: string): MarkIds {
  try {
    return flat(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    // A damaged file counts as none: better to deliver mail again than not at all.
    if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return {};
    throw error;
  }
}

function nested({ delivered, ...reads }: MarkIds): object {
  const read = Object.fromEntries(Object.entries(reads).map(([name, id]) => [name.slice('read:'.length), id]));
  return { delivered, read };
}

function flat(file: unknown): MarkIds {
  const { delivered, read } = Object(file) as { delivered?: unknown; read?: unknown };
  const marks = Object.entries(Object(read) as object).map(([sender, id]) => [`read:${sender}`, id]);
  return Object.fromEntries(
    [['delivered', delivered], ...marks].filter(([, id]) => typeof id === 'string' && isEventId(id)),
  ) as MarkIds;
}
