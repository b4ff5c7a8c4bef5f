/** What was sent to one mailbox, by whom and when, and whether what came out is right. */

interface Entry {
  readonly writer: string;
  readonly number: number;
  /** When it was first posted, in ms of a monotonic clock. */
  readonly startedMs: number;
  /** When its 2xx came. */
  acceptedMs?: number;
}

export interface Shown {
  readonly id: string;
  readonly text: string;
}

export interface Verdict {
  readonly lost: string[];
  readonly twice: string[];
  readonly reordered: string[];
  /** Shown, but never sent: torn or invented text. */
  readonly strange: string[];
}

/**
 * The oracle of one mailbox. A text is `<writer>:<number>`; each writer's numbers rise. What was posted but not (yet)
 * accepted may come or not, but at most once, and in its place.
 */
export class Ledger {
  readonly #entries = new Map<string, Entry>();
  #accepted = 0;
  #foreign = 0;

  /** How many were accepted, including foreign appends. */
  get accepted(): number {
    return this.#accepted;
  }

  get foreign(): number {
    return this.#foreign;
  }

  post(writer: string, number: number): string {
    const text = `${writer}:${number}`;
    this.#entries.set(text, { writer, number, startedMs: performance.now() });
    return text;
  }

  accept(text: string): void {
    const entry = this.#entries.get(text)!;
    if (entry.acceptedMs !== undefined) return;
    entry.acceptedMs = performance.now();
    this.#accepted += 1;
    if (!isOurs(entry.writer)) this.#foreign += 1;
  }

  /** Notes that this was accepted before everything else here, but after earlier texts that were noted for `writer`. */
  knows(text: string, writer: string): void {
    this.#entries.set(text, { writer, number: this.#entries.size, startedMs: -Infinity, acceptedMs: -Infinity });
    this.#accepted += 1;
  }

  /** Whether everything accepted has been shown. Cheap enough to call often. */
  isIn(shown: ReadonlySet<string>): boolean {
    if (shown.size < this.#accepted) return false;
    for (const [text, { acceptedMs }] of this.#entries) if (acceptedMs !== undefined && !shown.has(text)) return false;
    return true;
  }

  /** A copy of the ledger as it is now. What was only posted by now may come or not. */
  upToNow(): Ledger {
    const copy = new Ledger();
    for (const [text, entry] of this.#entries) copy.#entries.set(text, { ...entry });
    copy.#accepted = this.#accepted;
    copy.#foreign = this.#foreign;
    return copy;
  }

  /** Adds what was posted since `upToNow`, as not accepted. */
  alsoPosted(later: Ledger): void {
    for (const [text, entry] of later.#entries) {
      if (this.#entries.has(text)) continue;
      const { acceptedMs: _, ...posted } = entry;
      this.#entries.set(text, posted);
    }
  }

  judge(shown: readonly Shown[], ordered = true): Verdict {
    const seen = new Set<string>();
    const newest = new Map<string, number>();
    const verdict: Verdict = { lost: [], twice: [], reordered: [], strange: [] };
    let latestStartMs = -Infinity;
    let lastId: string | undefined;
    for (const { id, text } of shown) {
      const entry = this.#entries.get(text);
      if (lastId !== undefined && !rises(lastId, id)) verdict.reordered.push(`${text}: id ${id} after ${lastId}`);
      lastId = id;
      if (!entry) {
        verdict.strange.push(text.slice(0, 200));
        continue;
      }
      if (seen.has(text)) {
        verdict.twice.push(text);
        continue;
      }
      seen.add(text);
      if (!ordered) continue;
      if ((newest.get(entry.writer) ?? -1) > entry.number) verdict.reordered.push(text);
      newest.set(entry.writer, Math.max(entry.number, newest.get(entry.writer) ?? -1));
      if (isOurs(entry.writer)) {
        if (entry.acceptedMs !== undefined && entry.acceptedMs < latestStartMs)
          verdict.reordered.push(`${text} came after one that was posted after its answer`);
        latestStartMs = Math.max(latestStartMs, entry.startedMs);
      }
    }
    for (const [text, { acceptedMs }] of this.#entries) {
      if (acceptedMs !== undefined && !seen.has(text)) verdict.lost.push(text);
    }
    return verdict;
  }
}

/** The names of foreign writers begin with this: only the order of each writer's own texts is promised. */
export const FOREIGN = 'foreign-';

function isOurs(writer: string): boolean {
  return !writer.startsWith(FOREIGN);
}

export function isClean(verdict: Verdict): boolean {
  return Object.values(verdict).every((list: string[]) => list.length === 0);
}

function rises(a: string, b: string): boolean {
  const [x, y] = [parts(a), parts(b)];
  return (y[0]! - x[0]! || y[1]! - x[1]! || y[2]! - x[2]!) > 0;
}

function parts(id: string): number[] {
  const [ms = '0', seq = '0', foreign = '0'] = id.split(/[-.]/);
  return [Number(ms), Number(seq), Number(foreign)];
}
