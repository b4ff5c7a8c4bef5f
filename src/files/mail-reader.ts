import type { MailboxName } from '../words/mailbox-name.ts';
import { Block, CR, LF, behindBlankLines, endOfLongBlock, foreignFields, textOf } from './blocks.ts';
import { idParts, isInReach } from './event-id.ts';
import { fencedAfter } from './frame-forms.ts';
import { MessageFrame, nextCr } from './message-frame.ts';
import { beginning, MAX_BLOCK_BYTES, MAX_EVENT_BYTES, type ReadEvent, type ReadState } from './read-state.ts';
import { judgeFenced, judgeMerged, type Said, type Verdict } from './reading-rule.ts';

/** In a long block the last byte may be the line end before the blank line, so it is read again with what follows. */
const KEPT_BACK_BYTES = 1;

const COLON = 58;

type Progress = { -readonly [field in keyof Omit<ReadState, 'own' | 'last' | 'voided'>]: ReadState[field] };

/** All readers share these, since a block is read at once. */
const block = new Block();
const frame = new MessageFrame();

/** Stands for the fields of an event whose text is not wanted. */
const NO_TEXT = { data: '' };

/** Reads one file of a mailbox's log, from its start or from where another reader stopped. `reading-rule.ts` says what counts. */
export class MailReader {
  readonly #mailbox: string;
  readonly #progress: Progress;
  #voided: string | undefined;
  /** Ids are kept as numbers, since making a text for each event is slow. */
  #ownMs: number;
  #ownSeq: number;
  #lastMs: number;
  #lastSeq: number;
  #lastN: number;

  constructor(mailbox: MailboxName, start: string | ReadState) {
    this.#mailbox = mailbox;
    const { own, last, voided, ...progress } = typeof start === 'string' ? beginning(start) : start;
    this.#progress = progress;
    this.#voided = voided;
    [this.#ownMs, this.#ownSeq] = idParts(own);
    [this.#lastMs, this.#lastSeq, this.#lastN] = idParts(last);
  }

  get state(): ReadState {
    const voided = this.#voided === undefined ? undefined : { voided: this.#voided };
    return { own: this.#own, last: this.#last, ...voided, ...this.#progress };
  }

  /**
   * Reads whole blocks from `bytes`, which begin at `state.offset`, until it has `most` events or the piece ends. With
   * `most` 0 it reads them all and returns no events, which is much faster. It always gets on if `bytes` is longer than
   * MAX_BLOCK_BYTES.
   */
  read(bytes: Buffer, most = Infinity): ReadEvent[] {
    const events: ReadEvent[] = [];
    const base = this.#progress.offset;
    const limit = most === 0 ? Infinity : most;
    let cr = nextCr(bytes, 0);
    let at = this.#progress.isLong ? this.#leaveLongBlock(bytes) : 0;
    while (!this.#progress.isLong && this.#progress.end === undefined && events.length < limit) {
      at = behindBlankLines(bytes, at);
      if (cr < at) cr = nextCr(bytes, at);
      if (this.#isNextFrame(bytes, at, cr)) {
        this.#passFrame();
        if (most > 0) events.push(frame.event(bytes, base, at));
        at = frame.end;
      } else if (block.scan(bytes, at)) {
        const said = this.#judge(bytes, most);
        if (most > 0 && said) events.push(Object.assign(said, { from: base + at, end: base + block.end }));
        at = block.end;
      } else {
        if (bytes.length - at <= MAX_BLOCK_BYTES) break;
        at = this.#enterLongBlock(bytes);
      }
    }
    this.#progress.offset = base + at;
    return events;
  }

  /** What is unfinished in `bytes`, which begin at `state.offset`: nothing, whole lines without their blank line, or half a line. */
  tailOf(bytes: Buffer): 'none' | 'lines' | 'partial' {
    const last = bytes.at(-1);
    if (last === undefined) return 'none';
    return last === LF || last === CR ? 'lines' : 'partial';
  }

  get #own(): string {
    return `${this.#ownMs}-${this.#ownSeq}`;
  }

  get #last(): string {
    const own = `${this.#lastMs}-${this.#lastSeq}`;
    return this.#lastN === 0 ? own : `${own}.${this.#lastN}`;
  }

  /** Whether the block at `at` is a message frame exactly as we write it, and counts. `cr`: where the next CR is. */
  #isNextFrame(bytes: Buffer, at: number, cr: number): boolean {
    const isMerged = this.#progress.form === 'merged';
    if (!(isMerged ? frame.scanMerged(bytes, at) : frame.scan(bytes, at))) return false;
    if (cr < frame.end || frame.end - at > MAX_EVENT_BYTES) return false;
    if ((frame.ms - this.#lastMs || frame.seq - this.#lastSeq) <= 0) return false;
    if (isMerged) return true;
    const isFenceRight =
      this.#progress.form === 'mail' && frame.afterMs === this.#ownMs && frame.afterSeq === this.#ownSeq;
    return isFenceRight && this.#voided === undefined && isInReach(frame.ms, this.#ownMs);
  }

  #passFrame(): void {
    this.#lastMs = this.#ownMs = frame.ms;
    this.#lastSeq = this.#ownSeq = frame.seq;
    this.#lastN = 0;
    this.#progress.count += 1;
    this.#voided = undefined;
  }

  /** Judges the block that was just scanned. Returns what its event says, if it is one. */
  #judge(bytes: Buffer, most: number): Said | undefined {
    const length = block.to - block.from;
    const isVoid = block.isTorn || length > MAX_BLOCK_BYTES;
    const mayBeOurs = !isVoid && (this.#progress.form === 'merged' || bytes[block.from] === COLON);
    const text = mayBeOurs ? textOf(bytes, block) : '';
    if (mayBeOurs && this.#progress.form === 'merged') return this.#accept(judgeMerged(text, this.#last));

    const after = fencedAfter(text);
    const verdict = after === undefined ? undefined : judgeFenced(text, length, after, this.state, this.#mailbox);
    this.#voided = undefined;
    if (verdict) return this.#follow(verdict);
    if (isVoid || !block.hasData || length > MAX_EVENT_BYTES) return undefined;
    return this.#foreign(most > 0 ? foreignFields(textOf(bytes, block)) : NO_TEXT);
  }

  #follow(verdict: Verdict): Said | undefined {
    if (verdict.kind === 'event') return this.#accept(verdict.said);
    if (verdict.kind === 'foreign') return this.#foreign(verdict);
    if (verdict.kind === 'end') {
      this.#progress.end = verdict.id;
      this.#progress.endedAt = verdict.at;
    } else {
      this.#voided = verdict.id;
    }
    return undefined;
  }

  #accept(said: Said | undefined): Said | undefined {
    if (!said) return undefined;
    [this.#lastMs, this.#lastSeq, this.#lastN] = idParts(said.id);
    if (this.#lastN === 0) [this.#ownMs, this.#ownSeq] = [this.#lastMs, this.#lastSeq];
    this.#progress.count += 1;
    return said;
  }

  #foreign({ data = '', type }: { data?: string; type?: string | undefined }): Said {
    this.#lastN += 1;
    this.#progress.count += 1;
    return { id: this.#last, data, type };
  }

  #enterLongBlock(bytes: Buffer): number {
    this.#progress.isLong = true;
    this.#voided = undefined;
    return bytes.length - KEPT_BACK_BYTES;
  }

  #leaveLongBlock(bytes: Buffer): number {
    const end = endOfLongBlock(bytes);
    this.#progress.isLong = end === undefined ? true : undefined;
    return end ?? Math.max(0, bytes.length - KEPT_BACK_BYTES);
  }
}
