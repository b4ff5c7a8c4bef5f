import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMailboxName, type MailboxName } from '../words/mailbox-name.ts';
import type { Appended, Message } from '../words/mailbox-store.ts';
import { Turns } from '../words/turns.ts';
import { FILE_MODE, makeDirectory, namesIn, syncDirectoryAsync, writing } from './disk.ts';
import { erase, type Release } from './erasing.ts';
import { isEventId } from './event-id.ts';
import type { KeptFiles } from './kept-files.ts';
import { CHANGES } from './mailbox-paths.ts';
import type { Mailbox } from './mailbox.ts';
import type { StoreContext } from './store-context.ts';

type Use = (mailbox: MailboxName, work: (box: Mailbox) => Promise<boolean>) => Promise<boolean>;

/**
 * Edits and removals. An empty file `.changes/henry~1763600000000-0` is there from before the change is written until the
 * old texts of that message are erased, so if the process dies in between, the next one erases them.
 */
export class Changes {
  readonly #context: StoreContext;
  readonly #dir: string;
  readonly #files: KeptFiles;
  readonly #use: Use;
  readonly #turns = new Turns();

  constructor(context: StoreContext, files: KeptFiles, use: Use) {
    this.#context = context;
    this.#dir = join(context.dir, CHANGES);
    this.#files = files;
    this.#use = use;
  }

  /** Appends a message or a change. Resolves once what the change replaces is gone. */
  append(mailbox: MailboxName, message: Message, append: () => Promise<Appended>): Promise<Appended> {
    const { type, of } = message;
    const isReplacing = of !== undefined && (type === 'edit' || type === 'remove');
    if (!isReplacing) return this.#files.appendNaming(mailbox, message, append);
    return this.#turns.run(async () => {
      await this.#note(`${mailbox}~${of}`);
      const appended = await append(); // if this fails, it may be on disk all the same: the next try or start erases
      await this.#settle(mailbox, of);
      return appended;
    }, `${mailbox}~${of}`);
  }

  /** Erases what a process that died has left. */
  async settleAll(): Promise<void> {
    for (const name of namesIn(this.#dir)) {
      const [mailbox = '', of = ''] = name.split('~');
      if (!isMailboxName(mailbox) || !isEventId(of)) continue;
      if (this.#context.isClosing) return;
      await this.#turns.run(() => this.#settle(mailbox, of), name).catch(() => undefined); // it was reported
    }
  }

  /** Resolves when nothing is under way any more. */
  over(): Promise<void> {
    return this.#turns.over();
  }

  async #note(name: string): Promise<void> {
    writing(() => {
      makeDirectory(this.#dir);
      writeFileSync(join(this.#dir, name), '', { flag: 'a', mode: FILE_MODE });
    });
    await syncDirectoryAsync(this.#dir);
  }

  async #settle(mailbox: MailboxName, of: string): Promise<void> {
    const release: Release = (files) => this.#files.release(mailbox, of, files);
    try {
      const isErased = await this.#use(mailbox, (box) => erase(box, of, release));
      if (isErased) rmSync(join(this.#dir, `${mailbox}~${of}`), { force: true });
    } catch (error) {
      this.#context.onError(error, 'a text that was edited or removed could not be erased', mailbox);
      throw error;
    }
  }
}
