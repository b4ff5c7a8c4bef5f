import { FIRST_ID, compareIds, isForeignId, laterId } from './event-id.ts';
import type { MailLog } from './mail-log.ts';

/** Mail that was read stays in the mailbox for a moment: more may come, and a take costs more than a message. */
const QUIET_MS = 250;
/** Foreign mail gets its time for good when it is taken: no later than this. */
const FOREIGN_MS = 1000;
const RETRY_MS = 1000;

/** Decides when a mailbox is taken: when all of it was handed to somebody and nothing more comes, or when it is large. */
export class Draining {
  readonly #pieceBytes: number;
  readonly #take: () => Promise<void>;
  /** Up to here everything was handed out. */
  #readTo = FIRST_ID;
  #timer: NodeJS.Timeout | undefined;
  #changedMs = 0;
  #beganMs = 0;

  /** `take` is called when it is time, and once more when it fails. */
  constructor(pieceBytes: number, take: () => Promise<void>) {
    this.#pieceBytes = pieceBytes;
    this.#take = take;
  }

  /** Whether a take is to come. */
  get isDue(): boolean {
    return this.#timer !== undefined;
  }

  handedOut(id: string): void {
    this.#readTo = laterId(this.#readTo, id);
  }

  /** More has come: it may be followed by more. */
  changed(): void {
    this.#changedMs = performance.now();
  }

  isTime(log: MailLog, isWatched: boolean): boolean {
    const { current, newest, isMounted } = log;
    if (current.size === 0 || current.tail !== 'none' || isMounted) return false;
    if (isWatched && (current.size >= this.#pieceBytes || current.state.count === 0)) return true;
    return current.state.count > 0 && compareIds(this.#readTo, newest) >= 0;
  }

  /** Takes it a little later, if it is time. */
  soon(log: MailLog, isWatched: boolean): void {
    if (this.isDue || !this.isTime(log, isWatched)) return;
    this.#beganMs = performance.now();
    this.#in(log.current.size >= this.#pieceBytes ? 0 : QUIET_MS, log);
  }

  /** What was due is not: it is done, or never to be. */
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
