import { closeSync, openSync, rmdirSync, fstatSync, fsyncSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../logger.ts';
import { isErrno } from '../mailbox-error.ts';
import type { MailEvent } from '../mailbox-store.ts';
import type { DeliveredLog, Draft } from './delivered-log.ts';
import {
  APPEND_OR_CREATE,
  READ,
  copyRange,
  makeDirectory,
  readRange,
  sizeOf,
  statIfThere,
  withFile,
  writing,
} from './disk.ts';
import { MAX_EVENT_BYTES, parseBlock } from './event-frame.ts';
import { compareIds, idTime, nextForeignId } from './event-id.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import { listTakes, type Take } from './takes.ts';
import { readStretches, type Stretch } from './waiting-mail.ts';

/** A tail of whole lines without its blank line counts as complete after so long without growth. */
const TAIL_COMPLETE_MS = 5000;
const RETIRE_IDLE_MS = 3000;
const BATCH_BYTES = 128 * 1024;

interface Seen {
  readonly size: number;
  /** Since when the size is the same, in ms of a clock that only rises. */
  readonly since: number;
}

export interface TakenMailOptions {
  /** How many takes all mailboxes of the store have together. */
  readonly kept: { count: number };
  readonly logger: Logger;
  readonly now: () => number;
  readonly uptimeMs: () => number;
  /** So many events of other programs have been logged. */
  readonly onForeign: (events: number) => void;
}

/** The takes of one mailbox: brings what they hold into the log, once, and removes them when nobody writes any more. */
export class TakenMail {
  readonly #paths: Pick<MailboxPaths, 'takes' | 'torn'>;
  readonly #options: TakenMailOptions;
  readonly #log: DeliveredLog;
  #takes: Take[] = [];
  #seen: Map<string, Seen> | undefined;

  constructor(paths: Pick<MailboxPaths, 'takes' | 'torn'>, options: TakenMailOptions, log: DeliveredLog) {
    this.#paths = paths;
    this.#options = options;
    this.#log = log;
  }

  /** Looks which takes there are. */
  list(): void {
    const known = this.#takes;
    this.#takes = listTakes(this.#paths.takes);
    this.#options.kept.count += this.#takes.length - known.length;
    const ids = new Set(this.#takes.map(({ id }) => id));
    for (const take of known) {
      if (ids.has(take.id)) continue;
      // One that was quiet has been removed; a fresh one may just be getting another ordinal.
      if (this.#isQuiet(take, RETIRE_IDLE_MS)) this.#log.forgetTake(take.id);
      this.#seen?.delete(take.id);
    }
  }

  get isEmpty(): boolean {
    return this.#takes.length === 0;
  }

  /** Whether a take has grown, or has an unfinished tail that has waited long enough. */
  needsLook(): boolean {
    return this.#takes.some((take) => {
      const seen = this.#seen?.get(take.id);
      const size = statIfThere(take.path)?.size;
      return size !== seen?.size || (size !== this.#log.consumed(take.id) && this.#isQuiet(take, TAIL_COMPLETE_MS));
    });
  }

  /** Logs whatever the takes hold and the log does not. The log must be caught up. */
  async log(): Promise<void> {
    // Sizes newest first, contents oldest first: what one writer wrote across a take then keeps its order.
    const grown = this.#takes
      .toReversed()
      .map((take) => ({ take, size: this.#look(take) }))
      .filter(({ take, size }) => size > this.#log.consumed(take.id));
    for (const { take, size } of grown.toReversed()) {
      await this.#withTake(take, (fd) => this.#logUpTo(take, fd, size));
    }
  }

  /** Takes that are in the log and have been quiet for 3 s: candidates for removal, unless somebody has them open. */
  quiet(idleMs = RETIRE_IDLE_MS): Take[] {
    return this.#takes.filter((take) => this.#isQuiet(take, idleMs));
  }

  /** Removes takes that nobody has open, once their last half lines are set aside; what still comes is logged. */
  async retire(takes: readonly Take[]): Promise<void> {
    try {
      for (const take of takes) await this.#retireOne(take);
    } finally {
      this.list();
    }
    if (!this.isEmpty) return;
    try {
      rmdirSync(this.#paths.takes);
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error;
    }
  }

  async #retireOne(take: Take): Promise<void> {
    await this.#withTake(take, async (fd) => {
      const size = sizeOf(fd);
      if (size !== this.#seen?.get(take.id)?.size) return; // written to since it was found to be quiet
      if (!(await this.#logUpTo(take, fd, size))) return;
      const from = this.#log.consumed(take.id);
      if (from < size) {
        await this.#logStretches(take, fd, [{ from, end: size, parsed: { kind: 'damaged', why: 'half a line' } }]);
      }
      rmSync(take.path, { force: true }); // another server may have been quicker
      // A writer that opened the mailbox before the take may still have written: look once more after the unlink.
      const sizeNow = sizeOf(fd);
      if (sizeNow > size) await this.#logBytes(take, fd, sizeNow);
    });
  }

  #look(take: Take): number {
    const size = statIfThere(take.path)?.size ?? 0;
    if (this.#seen?.get(take.id)?.size !== size)
      (this.#seen ??= new Map()).set(take.id, { size, since: this.#options.uptimeMs() });
    return size;
  }

  #isQuiet(take: Take, forMs: number): boolean {
    const seen = this.#seen?.get(take.id);
    return seen !== undefined && this.#options.uptimeMs() - seen.since >= forMs;
  }

  /** False when an unfinished tail has not waited long enough yet. */
  async #logUpTo(take: Take, fd: number, size: number): Promise<boolean> {
    await this.#logBytes(take, fd, size);
    if (this.#log.consumed(take.id) >= size) return true;
    if (!this.#isQuiet(take, TAIL_COMPLETE_MS)) return false;
    await this.#logTail(take, fd, size);
    return true;
  }

  /** The complete events up to `size`. */
  async #logBytes(take: Take, fd: number, size: number): Promise<void> {
    const log = this.#log;
    for (let from = log.consumed(take.id); from < size; from = log.consumed(take.id)) {
      const { stretches } = readStretches(fd, from, size, log.now);
      if (stretches.length === 0) return;
      await this.#logStretches(take, fd, stretches);
    }
  }

  /** Whole lines without a blank line behind them: `echo 'data: hi' >> henry.txt`. */
  async #logTail(take: Take, fd: number, size: number): Promise<void> {
    const from = this.#log.consumed(take.id);
    if (size - from > MAX_EVENT_BYTES) return;
    const bytes = readRange(fd, from, size);
    if (!/[\r\n]$/.test(bytes.toString('latin1', bytes.length - 1))) return;
    await this.#logStretches(take, fd, [{ from, end: size, parsed: parseBlock(bytes, this.#log.now) }]);
  }

  async #logStretches(take: Take, fd: number, stretches: readonly Stretch[]): Promise<void> {
    const log = this.#log;
    for (const { from, end, parsed } of stretches)
      if (parsed.kind === 'damaged') this.#copyAside(take, fd, from, end, parsed.why);
    const end = stretches.at(-1)!.end;
    while (log.consumed(take.id) < end) {
      const logged = await log.commit(() => this.#draft(take, stretches));
      if (logged) this.#options.onForeign(logged.events.length - logged.keyed.size);
    }
  }

  /** As much as fits in one batch of what the log does not have yet. */
  #draft(take: Take, stretches: readonly Stretch[]): Draft | undefined {
    const log = this.#log;
    const now = this.#options.now();
    const from = log.consumed(take.id);
    const events: MailEvent[] = [];
    const keyed = new Map<string, string>();
    let last = log.last;
    let to = from;
    for (const { end, parsed } of stretches) {
      if (end <= from) continue;
      if (to - from >= BATCH_BYTES) break;
      to = end;
      if (parsed.kind === 'nothing' || parsed.kind === 'damaged') continue;
      if (parsed.kind === 'own' && (keyed.has(parsed.key) || log.keys.get(parsed.key, now) !== undefined)) continue;
      const event = eventAfter(last, parsed, now);
      events.push(event);
      if (parsed.kind === 'own') keyed.set(parsed.key, event.id);
      last = event.id;
    }
    return to > from ? { events, keyed, ranges: [{ take: take.id, from, to }] } : undefined;
  }

  /** Sets aside what cannot be shown. */
  #copyAside(take: Take, fd: number, from: number, end: number, why: string): void {
    const path = join(this.#paths.torn, `${take.id}-${from}.txt`);
    writing(() => {
      makeDirectory(this.#paths.torn);
      if (statIfThere(path)?.size === end - from) return;
      withFile(path, APPEND_OR_CREATE, (copy) => {
        copyRange(fd, from, end, copy);
        fsyncSync(copy);
      });
    });
    this.#options.logger.warn({ path, bytes: end - from, why }, 'mail that cannot be shown was set aside');
  }

  /** Opens a take; one that is gone was retired or renamed by another process, and is looked for again later. */
  async #withTake(take: Take, work: (fd: number) => Promise<unknown>): Promise<void> {
    let fd: number;
    try {
      fd = openSync(take.path, READ);
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ELOOP', 'ENXIO')) return;
      throw error;
    }
    try {
      if (fstatSync(fd).isFile()) await work(fd);
    } finally {
      closeSync(fd);
    }
  }
}

function eventAfter(last: string, parsed: Stretch['parsed'] & { kind: 'own' | 'foreign' }, now: number): MailEvent {
  if (parsed.kind === 'own') {
    const id = compareIds(parsed.id, last) > 0 ? parsed.id : nextForeignId(last);
    return { id, time: idTime(parsed.id), data: parsed.data };
  }
  const event = { id: nextForeignId(last), time: now, data: parsed.data };
  return parsed.type === undefined ? event : { ...event, type: parsed.type };
}
