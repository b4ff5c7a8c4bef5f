import { closeSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageHead } from './message-frame.ts';
import { FILE_MODE, appendWhole, sync, syncDirectoryAsync, writing } from './disk.ts';
import { idTime } from './event-id.ts';
import type { MergedEvent } from './frame-forms.ts';
import { mergedFrame, mergedHead } from './frames.ts';
import { NEW_FILE } from './replace-file.ts';

const WRITE_CHARS = 256 * 1024;

/** Writes a merged piece. It is a draft until it is whole and on disk. */
export class MergedFile {
  readonly #draft: string;
  #fd: number | undefined;
  #text: string;

  constructor(draft: string, parts: readonly string[]) {
    this.#draft = draft;
    this.#fd = writing(() => openSync(draft, NEW_FILE, FILE_MODE));
    this.#text = mergedHead(parts);
  }

  write(event: MergedEvent): void {
    const isPlain = event.at === undefined && messageHead(event.data) === undefined;
    this.#text += mergedFrame(isPlain ? { ...event, at: idTime(event.id) } : event);
    if (this.#text.length >= WRITE_CHARS) this.#flush();
  }

  /** Resolves once it is on disk, at `path`. There must be no other piece there, except one with the same mail. */
  async finish(path: string): Promise<void> {
    this.#flush();
    await sync(this.#fd!);
    this.#close();
    writing(() => renameSync(this.#draft, path));
    await syncDirectoryAsync(dirname(path));
  }

  /** Removes the draft. Harmless if called twice, or after `finish`. */
  drop(): void {
    this.#close();
    rmSync(this.#draft, { force: true });
  }

  #flush(): void {
    if (this.#text !== '') appendWhole(this.#fd!, Buffer.from(this.#text));
    this.#text = '';
  }

  #close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }
}
