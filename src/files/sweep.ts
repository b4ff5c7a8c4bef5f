import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { isMailboxName, isRoom, type MailboxName } from '../words/mailbox-name.ts';
import { Rounds } from '../words/rounds.ts';
import { namesIn, statIfThere } from './disk.ts';
import type { OpenPiece } from './late-mail.ts';
import type { MailLog } from './mail-log.ts';
import { DELIVERED } from './mailbox-paths.ts';
import type { Mailbox } from './mailbox.ts';
import { merge } from './merging.ts';
import { identity, openAmong } from './open-files.ts';
import { retain } from './retention.ts';
import { idlePieces, retire } from './retiring.ts';
import type { StoreContext } from './store-context.ts';

const TICK_MS = 100;
const SWEEP_MS = 1000;
const RETIRE_MS = 3000;
/** How many pieces are moved in one turn of their mailbox: about a millisecond of work. */
const RETIRE_MOST = 16;
const CLOSE_IDLE_MS = 60_000;
const RETAIN_MS = 60_000;
const RETAIN_ALL_MS = 60 * 60_000;
const TIDY_FILES_MS = 24 * 60 * 60_000;
/** Mailboxes visited at a tick. Each costs two `stat` calls, so the sweep takes at most 2 % of a core. */
const SWEEP_MOST = 200;
/** How far the clock may run ahead of the time since the start. A clock that jumps further does not make mail old. */
const BELIEVED_MS = 24 * 60 * 60 * 1000;

interface SweepSteps {
  mailbox(name: MailboxName): Mailbox;
  /** Closes a mailbox and frees its memory. */
  close(name: MailboxName): void;
  tidyFiles(): Promise<void>;
  warn(error: unknown, what: string): void;
}

/** Visits mailboxes regularly: finds mail whose hint was lost, and retires, merges and drops pieces. */
export class Sweep {
  readonly #boxes: ReadonlyMap<MailboxName, Mailbox>;
  readonly #context: StoreContext;
  readonly #steps: SweepSteps;
  readonly #rounds: Rounds<MailboxName>;
  readonly #timer: NodeJS.Timeout;
  readonly #began: { readonly ms: number; readonly uptimeMs: number };
  #resting: MailboxName[] = [];
  #restingMs = 0;
  #retiring: Promise<void> | undefined;
  #retiredMs = 0;
  #tidying = Promise.resolve();
  #tidiedMs = -Infinity;

  constructor(boxes: ReadonlyMap<MailboxName, Mailbox>, context: StoreContext, steps: SweepSteps) {
    this.#boxes = boxes;
    this.#context = context;
    this.#steps = steps;
    this.#began = { ms: context.now(), uptimeMs: context.uptimeMs() };
    this.#rounds = new Rounds(boxes, TICK_MS, SWEEP_MS, SWEEP_MOST);
    this.#timer = setInterval(() => this.#tick(), TICK_MS).unref();
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all([this.#retiring, this.#tidying]);
  }

  #tick(): void {
    const nowMs = this.#context.uptimeMs();
    if (!this.#retiring && nowMs - this.#retiredMs >= RETIRE_MS) {
      this.#retiring = this.#retire().finally(() => {
        this.#retiring = undefined;
        this.#retiredMs = this.#context.uptimeMs();
      });
    }
    if (nowMs - this.#tidiedMs >= TIDY_FILES_MS) {
      this.#tidiedMs = nowMs;
      const warn = (error: unknown): void =>
        this.#steps.warn(error, 'files that no message names could not be removed');
      this.#tidying = this.#steps.tidyFiles().catch(warn);
    }
    this.#orWarn(() => this.#retainResting(nowMs));
    this.#rounds.tick((name) => this.#orWarn(() => this.#visit(name, this.#boxes.get(name)!, nowMs)));
  }

  /** An error in a timer would end the process: even when it can open no more files, a later visit can. */
  #orWarn(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#steps.warn(error, 'the mailboxes could not be looked through');
    }
  }

  #visit(name: MailboxName, box: Mailbox, nowMs: number): void {
    if (nowMs - box.retainedMs > RETAIN_MS) this.#retain(box, nowMs);
    if (box.isWatched || box.log?.isWorkLeft) box.hint(); // hints may be lost
    if (box.isIdle && nowMs - box.usedMs > CLOSE_IDLE_MS) this.#steps.close(name);
  }

  /** Drops old mail from mailboxes that are not in memory: one log at a tick, each about once an hour. */
  #retainResting(nowMs: number): void {
    if (this.#resting.length === 0 && nowMs >= this.#restingMs) {
      this.#restingMs = nowMs + RETAIN_ALL_MS;
      this.#resting = namesIn(join(this.#context.dir, DELIVERED)).filter(isMailboxName);
    }
    const name = this.#resting.pop();
    if (name !== undefined && !this.#boxes.has(name)) this.#retain(this.#steps.mailbox(name), nowMs);
  }

  #retain(box: Mailbox, nowMs: number): void {
    box.retainedMs = nowMs;
    const { ms, uptimeMs } = this.#began;
    const believed = Math.min(this.#context.now(), ms + nowMs - uptimeMs + BELIEVED_MS);
    box
      .inTurn((log) => retain(log, receivedUpTo(box, log), believed))
      .catch((error: unknown) => this.#steps.warn(error, 'old mail could not be dropped'));
  }

  /** Retires idle pieces. The open files of all processes are listed once for all of them, since that is slow. */
  async #retire(): Promise<void> {
    try {
      const idle = Array.from(this.#boxes.values(), (box) => ({ box, pieces: withIdentity(idlePieces(box.log)) }));
      const files = new Set(idle.flatMap(({ pieces }) => pieces.map(({ file }) => file)));
      if (files.size === 0) return;
      const open = await openAmong(files, () => this.#context.isClosing);
      for (const { box, pieces } of idle) {
        const unused = open
          ? pieces.filter(({ file }) => !open.has(file)).map(({ piece }) => piece)
          : idlePieces(box.log, this.#context.takeKeepMs);
        for (let from = 0; from < unused.length; from += RETIRE_MOST) {
          if (this.#context.isClosing) return; // the next start goes on
          const some = unused.slice(from, from + RETIRE_MOST);
          await box.inTurn((log) => retire(log, some));
          await box.inTurn(merge);
          await setImmediate(); // lets other work go first
        }
        if (unused.length > 0) this.#retain(box, this.#context.uptimeMs()); // only retired pieces may be dropped
      }
    } catch (error) {
      this.#steps.warn(error, 'a piece could not be moved');
    }
  }
}

function withIdentity(pieces: readonly OpenPiece[]): { piece: OpenPiece; file: string }[] {
  return pieces.flatMap((piece) => {
    const stat = statIfThere(piece.file.path);
    return stat ? [{ piece, file: identity(stat) }] : [];
  });
}

/** Mail up to this id may be dropped when it is old. A room has no marks. */
function receivedUpTo(box: Mailbox, { newest, oldest }: MailLog): string {
  return isRoom(box.paths.name) ? newest : (box.marks.all['delivered'] ?? oldest);
}
