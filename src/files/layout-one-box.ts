/**
 * Converts one mailbox of layout 1 to layout 2:
 *
 *     .delivered/henry/<start>.log     a segment of the log        becomes <start>_<end>.log, a merged piece
 *     .taken/henry/7-k3x9…             a take, not all in the log  becomes new-000000000000007-k3x9…_<offset>.txt
 *     henry.txt                        the mailbox                 becomes a take, and an empty file takes its place
 *
 * What the takes hold before <offset> goes to the end of the newest merged piece. What is behind it is read from the take
 * itself, since another program may still have that open. The newest piece is written last: once it exists, the mailbox
 * is of layout 2, and its sources may go. After an earlier crash, everything is still there to start again.
 */
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from '../words/logger.ts';
import { isErrno } from '../words/mailbox-error.ts';
import { keyOf } from '../words/message-data.ts';
import { isDraft, makeEmptyPiece, piecesIn } from './pieces.ts';
import { ifThere, makeDirectory, namesIn, randomName, statIfThere, syncDirectory } from './disk.ts';
import { FIRST_ID, compareIds, idTime, nextForeignId, nextOwnId } from './event-id.ts';
import type { MergedEvent } from './frame-forms.ts';
import { endOfEvents, oldEvents, type OldEvent } from './layout-one-mail.ts';
import { batchesOf, oldSegments } from './layout-one-log.ts';
import { MergedFile } from './merged-file.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import { identity, openAmong } from './open-files.ts';
import { MAX_AGE_MS, RecentKeys } from './recent-keys.ts';
import { Slices } from '../words/slices.ts';
import { linkSuccessor, makeSuccessor } from './successor.ts';

export interface ConversionOptions {
  readonly logger: Logger;
  /** Unix ms. */
  readonly now: () => number;
}

interface OldTake {
  readonly path: string;
  /** The order of the takes. */
  readonly ordinal: number;
  /** Its name in the log. */
  readonly id: string;
  /** The <offset>, once it is decided: what is behind it is read as layout 2. */
  readonly to?: number;
}

const TAKE = /^(\d+)-([a-z0-9]+)$/;
const CUT_TAKE = /^new-(\d{15})-([a-z0-9]+)_(\d{1,15})\.txt$/;
const ORDINAL_DIGITS = 15;

export class OldMailbox {
  readonly #paths: MailboxPaths;
  readonly #options: ConversionOptions;
  readonly #segments: readonly string[];
  readonly #slices = new Slices();
  readonly #keys = new RecentKeys();
  /** How far each take is in the log. */
  readonly #logged = new Map<string, number>();
  #last = FIRST_ID;
  #piece: MergedFile | undefined;

  constructor(paths: MailboxPaths, options: ConversionOptions) {
    this.#paths = paths;
    this.#options = options;
    this.#segments = oldSegments(paths.delivered);
  }

  /** Does nothing if it was done before. */
  async convert(): Promise<void> {
    try {
      if (!this.#isDone) {
        if (await this.#isOld()) await this.#writeAll();
        else return; // foreign text reads the same in both layouts
      }
    } finally {
      this.#piece?.drop();
    }
    for (const segment of this.#segments) rmSync(this.#delivered(`${segment}.log`), { force: true }); // the newest last
    ifThere(() => syncDirectory(this.#paths.delivered));
  }

  /** The segments are removed at the end. If there are none, pieces show that the conversion is done. */
  get #isDone(): boolean {
    const { delivered, taken } = this.#paths;
    const pieces = piecesIn(delivered).concat(piecesIn(taken));
    const newest = this.#segments.at(-1);
    return newest === undefined ? pieces.length > 0 : pieces.some(({ start }) => start === newest);
  }

  async #isOld(): Promise<boolean> {
    if (this.#segments.length > 0 || this.#takes.length > 0) return true;
    const { file } = this.#paths;
    if (!statIfThere(file)?.isFile()) return false;
    for await (const events of oldEvents(this.#paths.name, file, 0, Infinity, this.#latestMs(file))) {
      if (events.some(({ id }) => id !== undefined)) return true;
    }
    return false;
  }

  async #writeAll(): Promise<void> {
    this.#takeMailbox();
    makeDirectory(this.#paths.delivered);
    for (const name of namesIn(this.#paths.delivered).filter(isDraft)) rmSync(this.#delivered(name), { force: true });
    for (const [i, segment] of this.#segments.slice(0, -1).entries()) {
      const piece = this.#beginPiece(segment);
      await this.#writeSegment(segment, piece);
      await piece.finish(this.#delivered(`${segment}_${this.#segments[i + 1]}.log`));
    }
    await this.#writeNewest();
  }

  async #writeNewest(): Promise<void> {
    const newest = this.#segments.at(-1);
    const start = newest ?? FIRST_ID;
    const piece = this.#beginPiece(start);
    if (newest !== undefined) await this.#writeSegment(newest, piece);
    const takes = await this.#cutTakes();
    for (const take of takes) await this.#writeTake(take, piece);
    if (compareIds(this.#last, start) > 0) {
      await piece.finish(this.#delivered(`${start}_${this.#last}.log`));
    } else {
      piece.drop();
      // There is no mail: an empty piece keeps the old ids from being given again.
      if (newest !== undefined) makeEmptyPiece(this.#paths, start, nextOwnId(start, 0));
    }
    await this.#removeRead(takes);
  }

  #beginPiece(start: string): MergedFile {
    this.#last = start;
    return (this.#piece = new MergedFile(this.#delivered(`draft-${randomName()}`), [`${start}.log`]));
  }

  async #writeSegment(segment: string, piece: MergedFile): Promise<void> {
    for (const { events, takes } of batchesOf(this.#paths.delivered, segment)) {
      for (const [take, to] of takes) this.#logged.set(take, Math.max(to, this.#logged.get(take) ?? 0));
      for (const event of events) {
        if (idTime(event.id) >= this.#options.now() - MAX_AGE_MS) this.#remember(keyOf(event.data), event.id);
        this.#write(piece, event);
      }
      await this.#slices.rest();
    }
  }

  async #writeTake({ path, id, to = 0 }: OldTake, piece: MergedFile): Promise<void> {
    const from = this.#logged.get(id) ?? 0;
    for await (const events of oldEvents(this.#paths.name, path, from, to, this.#latestMs(path))) {
      for (const event of events) this.#writeOld(piece, event);
    }
  }

  #writeOld(piece: MergedFile, { id, key, ...text }: OldEvent): void {
    const now = Math.max(this.#options.now(), idTime(this.#last));
    if (id === undefined) return this.#write(piece, { ...text, id: nextForeignId(this.#last), at: now });
    if (key !== undefined && this.#keys.get(key, now) !== undefined) return;
    this.#write(piece, { ...text, id });
    this.#remember(key, this.#last);
  }

  /** An id that is not higher than the last would not be read, so such an event gets a new one. */
  #write(piece: MergedFile, event: MergedEvent): void {
    const isHigher = compareIds(event.id, this.#last) > 0;
    const placed = isHigher ? event : { at: idTime(event.id), ...event, id: nextForeignId(this.#last) };
    this.#last = placed.id;
    piece.write(placed);
  }

  #remember(key: string | undefined, id: string): void {
    if (key !== undefined) this.#keys.set(key, id, idTime(id));
  }

  /** Takes the mailbox as version 1 did. */
  #takeMailbox(): void {
    const { file, taken } = this.#paths;
    const stat = statIfThere(file);
    if (!stat?.isFile() || stat.size === 0) return;
    const ordinal = Math.max(0, ...this.#takes.map((take) => take.ordinal)) + 1;
    try {
      makeDirectory(taken);
      const successor = makeSuccessor(taken, stat);
      renameSync(file, join(taken, `${ordinal}-${randomName()}`));
      linkSuccessor(successor, file);
      syncDirectory(taken);
    } catch (error) {
      if (!isErrno(error, 'EBUSY', 'EXDEV')) throw error;
      this.#options.logger.warn({ err: error, path: file }, 'this mailbox cannot be renamed, so its mail gets new ids');
    }
  }

  /** In order. */
  get #takes(): OldTake[] {
    return namesIn(this.#paths.taken)
      .flatMap((name) => {
        const path = join(this.#paths.taken, name);
        const [, ordinal, id, to] = TAKE.exec(name) ?? CUT_TAKE.exec(name) ?? [];
        if (ordinal === undefined || id === undefined) return [];
        return [{ path, ordinal: Number(ordinal), id, ...(to !== undefined && { to: Number(to) }) }];
      })
      .toSorted((a, b) => a.ordinal - b.ordinal || (a.id < b.id ? -1 : 1));
  }

  /** Decides how much of each take is converted, and puts that into its name: starting again then gives the same result. */
  async #cutTakes(): Promise<readonly OldTake[]> {
    for (const { path, ordinal, id, to } of this.#takes) {
      if (to !== undefined) continue;
      const cut = await endOfEvents(this.#paths.name, path, this.#logged.get(id) ?? 0);
      const name = `new-${String(ordinal).padStart(ORDINAL_DIGITS, '0')}-${id}_${cut}.txt`;
      renameSync(path, join(this.#paths.taken, name));
    }
    ifThere(() => syncDirectory(this.#paths.taken));
    return this.#takes;
  }

  /** Removes takes that were converted as a whole, if no process has them open. Only Linux tells that. */
  async #removeRead(takes: readonly OldTake[]): Promise<void> {
    const read = takes.flatMap(({ path, to }) => {
      const stat = statIfThere(path);
      return stat && stat.size === to ? [{ path, file: identity(stat) }] : [];
    });
    const open = await openAmong(new Set(read.map(({ file }) => file)));
    for (const { path, file } of read) if (open && !open.has(file)) rmSync(path, { force: true });
  }

  /** The clock may have been set back since an id was given. */
  #latestMs(path: string): number {
    return Math.max(this.#options.now(), statIfThere(path)?.mtimeMs ?? 0, idTime(this.#last));
  }

  #delivered(name: string): string {
    return join(this.#paths.delivered, name);
  }
}
