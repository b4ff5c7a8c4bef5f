import { FIRST_ID, compareIds, isForeignId, laterId } from './event-id.ts';
import type { MailLog } from './mail-log.ts';

/** Mail that was read stays in the mailbox for a moment. A take costs more than a message, and more mail may follow. */
const QUIET_MS = 250;
/** Foreign mail is taken within this time, since a take fixes its date. */
const FOREIGN_MS = 1000;
const RETRY_MS = 1000;

/** Decides when a mailbox is taken: once all of it was handed out and nothing more comes, or when it is large. */
export class Draining {
  readonly #pieceBytes: number;
  readonly #take: () => Promise<void>;
  /** The id up to which mail was handed out to readers. */
  #readTo = FIRST_ID;
  #timer: NodeJS.Timeout | undefined;
  #changedMs = 0;
  #beganMs = 0;

  /** `take` is called when it is time, and again after a second if it fails. */
  constructor(pieceBytes: number, take: () => Promise<void>) {
    this.#pieceBytes = pieceBytes;
    this.#take = take;
  }

  /** Whether a take is planned. */
  get isDue(): boolean {
    return this.#timer !== undefined;
  }

  handedOut(id: string, log: MailLog, isWatched: boolean): void {
    this.#readTo = laterId(this.#readTo, id);
    this.soon(log, isWatched);
  }

  /** More mail has come: waits until it is quiet again. */
  changed(): void {
    this.#changedMs = performance.now();
  }

  /** Whether the mailbox may be taken now. */
  isTime(log: MailLog, isWatched: boolean): boolean {
    const { current, newest, isMounted } = log;
    if (current.size === 0 || current.tail !== 'none' || isMounted) return false;
    if (isWatched && (current.size >= this.#pieceBytes || current.state.count === 0)) return true;
    return current.state.count > 0 && compareIds(this.#readTo, newest) >= 0;
  }

  /** Plans a take, if the mailbox may be taken. */
  soon(log: MailLog, isWatched: boolean): void {
    if (this.isDue || !this.isTime(log, isWatched)) return;
    this.#beganMs = performance.now();
    this.#in(log.current.size >= this.#pieceBytes ? 0 : QUIET_MS, log);
  }

  /** Drops the planned take. */
  cancel(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #in(ms: number, log: MailLog): void {
    this.#timer = setTimeout(() => {
      const restMs = this.#quietMs(log) - performance.now();
      if (ms > 0 && restMs > 1) return this.#in(restMs, log);
      this.#take().catch(() => this.#in(RETRY_MS, log));
    }, ms).unref();
  }

  #quietMs({ newest }: MailLog): number {
    const quietMs = this.#changedMs + QUIET_MS;
    return isForeignId(newest) ? Math.min(quietMs, this.#beganMs + FOREIGN_MS) : quietMs;
  }
}
