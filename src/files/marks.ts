import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { isErrno } from '../mailbox-error.ts';
import type { MarkName } from '../mailbox-store.ts';
import { FILE_MODE, makeDirectory, writing } from './disk.ts';
import { isEventId, laterId } from './event-id.ts';

type MarkIds = Record<string, string>;

/**
 * How far a mailbox's mail is known to have been received, and read by whom: `.marks/henry.json`
 *
 *     {"delivered":"1763600000000-0","read":{"jjeong":"1763600000000-0"}}
 */
export class Marks {
  readonly #path: string;
  #unwritten: MarkIds = {};
  /** As far as this process has moved them. */
  #known: MarkIds = {};

  constructor(path: string) {
    this.#path = path;
  }

  /** Takes effect here at once, in the file with the next `write`. False when the mark is known to be there already. */
  move(name: MarkName, id: string): boolean {
    const known = this.#known[name];
    if (known !== undefined && laterId(known, id) === known) return false;
    this.#known[name] = id;
    this.#unwritten[name] = id;
    return true;
  }

  /** Every mark, other processes' included, by its name: `delivered`, `read:<sender>`. */
  read(): MarkIds {
    return latest(this.#readFile(), this.#unwritten);
  }

  /** Writes what has moved, never back; to be called under the mailbox's lock. */
  write(): void {
    const moved = this.#unwritten;
    if (Object.keys(moved).length === 0) return;
    const { delivered, ...reads } = latest(this.#readFile(), moved);
    const read = Object.fromEntries(Object.entries(reads).map(([name, id]) => [name.slice('read:'.length), id]));
    const draft = `${this.#path}.${process.pid}`;
    writing(() => {
      makeDirectory(dirname(this.#path));
      writeFileSync(draft, JSON.stringify({ delivered, read }), { mode: FILE_MODE });
      renameSync(draft, this.#path);
    });
    this.#unwritten = {};
  }

  #readFile(): MarkIds {
    try {
      return flatten(JSON.parse(readFileSync(this.#path, 'utf8')));
    } catch (error) {
      // A file that a power cut left torn counts as none: mail is then delivered again rather than not at all.
      if (isErrno(error, 'ENOENT') || error instanceof SyntaxError) return {};
      throw error;
    }
  }
}

function flatten(file: unknown): MarkIds {
  const { delivered, read } = Object(file) as { delivered?: unknown; read?: unknown };
  const marks = Object.entries(Object(read) as object).map(([sender, id]) => [`read:${sender}`, id]);
  return Object.fromEntries(
    [['delivered', delivered], ...marks].filter(([, id]) => typeof id === 'string' && isEventId(id)),
  ) as MarkIds;
}

function latest(a: MarkIds, b: MarkIds): MarkIds {
  const merged = { ...a };
  for (const [name, id] of Object.entries(b)) merged[name] = name in merged ? laterId(merged[name]!, id) : id;
  return merged;
}
