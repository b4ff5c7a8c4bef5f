import { basename, join } from 'node:path';
import { isErrno } from '../words/mailbox-error.ts';
import type { BackPage, Batch, IsWanted, MailEvent } from '../words/mailbox-store.ts';
import type { FoundPieces, Unplaced } from './pieces.ts';
import { statIfThere } from './disk.ts';
import { compareIds, isForeignId, laterId } from './event-id.ts';
import { addOpen, noteLate, type OpenPiece } from './late-mail.ts';
import { FileGone, type LogFile } from './log-file.ts';
import { findEvent, readAfter, readBefore, timed, type Back } from './log-reading.ts';
import { MailboxFile, type Found } from './mailbox-file.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import { RecentEvents } from './recent-events.ts';
import { RecentKeys } from './recent-keys.ts';
import { recentKeysIn } from './read-keys.ts';
import type { ReadState } from './read-state.ts';
import type { StoreContext } from './store-context.ts';

const BACK_BYTES = 1024 * 1024;
const NOTHING_BACK: Back = { events: [], isAll: true };
/** How many files of one mailbox keep their checkpoints in memory. */
const MAX_SCANNED = 16;

/** The log of one mailbox: its pieces in order, then the mailbox file. */
export class MailLog {
  readonly paths: MailboxPaths;
  readonly context: StoreContext;
  /** In the order of their ids. */
  pieces: LogFile[];
  /** Files that were renamed away. They get their places behind the pieces, in this order, before the mailbox is read. */
  readonly unplaced: Unplaced[];
  /** The mailbox file. During a take, the file that was just renamed away. */
  current: MailboxFile;
  /** Pieces that another program may still have open and write to. */
  open: readonly OpenPiece[] = [];
  /** Whether we know how far their late mail was brought in. */
  isLateKnown = false;
  /** Is there while we find that out. */
  learning: Promise<void> | undefined;
  /** How often events were read but not kept: late frames may have been among them. */
  passes = 0;
  #recent = new RecentEvents();
  #keys: RecentKeys | undefined;
  #scanned: LogFile[] = [];
  /** The mailbox file is a mount point: it cannot be renamed, so it is never taken. */
  isMounted = false;
  readonly #onFound: () => void;

  /** `onFound` is called when mail was read that another program may have written. */
  constructor(paths: MailboxPaths, context: StoreContext, { pieces, unplaced }: FoundPieces, onFound: () => void) {
    this.paths = paths;
    this.context = context;
    this.pieces = pieces;
    this.unplaced = unplaced;
    this.#onFound = onFound;
    const start = pieces.at(-1)?.end ?? context.floor.id;
    this.current = new MailboxFile(paths.name, paths.file, start, context.mayBeMailbox);
    context.clock.rise(start);
  }

  /** A take is under way, or one of its steps failed. */
  get isUnfinished(): boolean {
    return this.unplaced.length > 0 || this.current.log.path !== this.paths.file;
  }

  /** The sweep must visit this mailbox even if nobody listens to it. */
  get isWorkLeft(): boolean {
    return this.open.length > 0 || this.isUnfinished || this.learning !== undefined;
  }

  /** The cursor from which everything kept is read. */
  get oldest(): string {
    return (this.pieces[0] ?? this.current.log).start;
  }

  /** The last id that was read, or that was given to mail that is gone. */
  get newest(): string {
    return this.current.state.last;
  }

  /** Records what was read from the mailbox. False if there was no event in it. */
  readonly found = ({ before, after, events }: Found): boolean => {
    if (after.count === before.count) return false;
    this.context.clock.rise(after.last);
    if (isForeignId(after.last)) this.#foreignAt(after.endedAt);
    if (events) this.#keep(before.last, events, after.offset - before.offset);
    else this.#passedOver(before, after);
    this.#onFound();
    return true;
  };

  #passedOver(before: ReadState, after: ReadState): void {
    this.#recent = new RecentEvents();
    if (before.own !== after.own) this.#keys = undefined; // there were messages of ours
    this.isLateKnown = false;
    this.passes += 1;
  }

  /** Foreign mail takes a tick of the id clock when it is read, so a message that is written later, in any mailbox, gets a higher id. */
  #foreignAt(endedMs: number | undefined): void {
    const { clock, now } = this.context;
    this.current.log.foreignMs = endedMs ?? clock.tick(now());
    if (endedMs !== undefined) clock.rise(`${endedMs}-0`);
  }

  #keep(after: string, events: NonNullable<Found['events']>, bytes: number): void {
    this.#recent.add(after, timed(events, this.current.log.foreignMs), bytes);
    for (const event of events) noteLate(this, event);
    for (const { id, key } of events) if (key !== undefined) this.#keys?.set(key, id, this.context.uptimeMs());
    this.context.onForeign(events.filter(({ id, late }) => late || isForeignId(id)).length);
  }

  /** Records events that we wrote right behind what was read. `keyed`: ids by scoped key. */
  wrote(events: readonly MailEvent[], keyed: ReadonlyMap<string, string>, bytes: number): void {
    const last = events.at(-1)!.id;
    this.#recent.add(this.newest, events, bytes);
    for (const [key, id] of keyed) this.#keys?.set(key, id, this.context.uptimeMs());
    this.current.passOwn(bytes, events.length, last);
  }

  /** Makes the taken file a piece and begins a new mailbox behind it. `to`: where it ends, if it has no end marker. */
  closePiece(end: string, to?: number): void {
    const { log, state } = this.current;
    log.close(end, to);
    log.size = 0;
    this.pieces.push(log);
    addOpen(this, log, state);
    this.current.close();
    this.begin(end);
  }

  /** The mailbox begins anew, after `start`. */
  begin(start: string): void {
    this.current.close();
    this.current = new MailboxFile(this.paths.name, this.paths.file, start, this.context.mayBeMailbox);
    this.context.clock.rise(start);
  }

  /** Reads the file at `path` in the mailbox's place: it was renamed away before this process began. */
  beginIn(path: string): void {
    this.current = new MailboxFile(this.paths.name, path, this.current.log.start, this.context.mayBeMailbox);
  }

  /** A mailbox without a log begins at the floor, which may have risen since it was loaded. */
  beginAtFloor(): void {
    const { id } = this.context.floor;
    if (this.pieces.length === 0 && this.current.size === 0 && this.current.log.start !== id) this.begin(id);
  }

  /** Part of what was read is gone from the disk. */
  forgetRecent(): void {
    this.forgetTexts();
    this.#keys = undefined;
  }

  /** Texts that were read are gone from the disk. Ids and keys are still the same. */
  forgetTexts(): void {
    this.#recent = new RecentEvents();
  }

  /** Frees memory that can be filled again by reading. */
  rest(): void {
    this.#recent = new RecentEvents();
    for (const file of this.#scanned) file.forgetStates();
    this.#scanned = [];
  }

  /** The keys of the newest messages; read from disk at the first call. */
  async keys(): Promise<RecentKeys> {
    return (this.#keys ??= await recentKeysIn(this));
  }

  /** Events after the cursor, oldest first; empty only if there are none. */
  async read(after: string, limit: number): Promise<Batch> {
    if (compareIds(after, this.oldest) < 0) return { events: [], gap: true };
    if (compareIds(after, this.newest) >= 0) return { events: [], gap: false };
    const recent = this.#recent.read(after, this.newest, limit);
    return { events: recent ?? (await this.#readFiles(after, limit)), gap: false };
  }

  async #readFiles(after: string, limit: number): Promise<MailEvent[]> {
    for (let from = after; ;) {
      const file = this.files.find(({ end }) => end === undefined || compareIds(end, from) > 0)!;
      const events = await this.#reading(file, [], () => readAfter(this.paths.name, file, from, limit));
      if (events && (events.length > 0 || file.end === undefined)) return events;
      if (events) from = laterId(file.end!, from);
    }
  }

  /** Events before `before`: at most `limit`, from about 1 MiB. */
  async readBack(before: string | undefined, limit: number, isWanted?: IsWanted): Promise<BackPage> {
    const found: MailEvent[] = [];
    const budget = { bytes: BACK_BYTES };
    for (let below = before; ;) {
      const file = this.files.findLast(({ start }) => below === undefined || compareIds(start, below) < 0);
      if (!file) return { events: found };
      const missing = limit - found.length;
      const back = await this.#reading(file, NOTHING_BACK, () =>
        readBefore(this.paths.name, file, { before, limit: missing, budget, isWanted }),
      );
      if (!back) continue;
      found.push(...back.events);
      if (!back.isAll || found.length === limit || budget.bytes <= 0) {
        const more = found.at(-1)!.id;
        return this.#isFirst(file) && back.isAll ? { events: found } : { events: found, more };
      }
      below = file.start;
    }
  }

  /** The event with this id, if it is kept. */
  async find(id: string): Promise<MailEvent | undefined> {
    for (;;) {
      const file = this.files.find(({ end }) => end === undefined || compareIds(end, id) >= 0)!;
      const found = await this.#reading(file, { event: undefined }, async () => ({
        event: await findEvent(this.paths.name, file, id),
      }));
      if (found) return found.event;
    }
  }

  /** All files of the log, in order. */
  get files(): LogFile[] {
    return [...this.pieces, this.current.log];
  }

  #isFirst(file: LogFile): boolean {
    return file === (this.pieces[0] ?? this.current.log);
  }

  /** What `read` returns. Undefined if the file was moved or removed meanwhile: the caller chooses the file again. */
  async #reading<T>(file: LogFile, none: T, read: () => Promise<T>): Promise<T | undefined> {
    if (file.readTo === 0) return none; // nothing of it may be shown yet
    this.#scanned = [...this.#scanned.filter((other) => other !== file), file];
    if (this.#scanned.length > MAX_SCANNED) this.#scanned.shift()!.forgetStates();
    const { path } = file;
    try {
      return await read();
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ELOOP', 'ENXIO', 'ENODEV') && !(error instanceof FileGone)) throw error;
      if (file.path !== path || !this.files.includes(file)) return undefined;
      if (file === this.current.log) return none; // somebody removed the mailbox: reading on notices it
      const moved = join(this.paths.delivered, basename(path));
      if (path !== moved && statIfThere(moved)) file.path = moved;
      else this.pieces = this.pieces.filter((piece) => piece !== file);
      return undefined;
    }
  }
}
