import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isMailboxName, type MailboxName } from '../words/mailbox-name.ts';
import type { Appended, MailEvent, Message } from '../words/mailbox-store.ts';
import { Turns } from '../words/turns.ts';
import { FILE_MODE, makeDirectory, namesIn, syncDirectoryAsync, writing } from './disk.ts';
import { erase, type Release } from './erasing.ts';
import { isEventId } from './event-id.ts';
import type { KeptFiles } from './kept-files.ts';
import { CHANGES } from './mailbox-paths.ts';
import type { Mailbox } from './mailbox.ts';
import type { StoreContext } from './store-context.ts';

/** For so many messages it is known up to which change they are settled. */
const MOST_SETTLED = 1000;

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
  /**
   * Changes by their files in `.changes`: all that came before one is erased. So the thousandth edit of a message takes no longer
   * than the second.
   */
  readonly #settled = new Map<string, Pick<MailEvent, 'id' | 'type'>>();

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
    const name = `${mailbox}~${of}`;
    return this.#turns.run(async () => {
      await this.#note(name);
      const appended = await append(); // if this fails, it may be on disk all the same: the next try or start erases
      if (await this.#settle(mailbox, of)) this.#remember(name, appended.event);
      return appended;
    }, name);
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

  #remember(name: string, { id, type }: MailEvent): void {
    if (this.#settled.get(name)?.type === 'remove') return; // an edit that was already on its way is erased by it, too
    this.#settled.delete(name);
    this.#settled.set(name, { id, type });
    if (this.#settled.size > MOST_SETTLED) this.#settled.delete(this.#settled.keys().next().value!);
  }

  async #note(name: string): Promise<void> {
    writing(() => {
      makeDirectory(this.#dir);
      writeFileSync(join(this.#dir, name), '', { flag: 'a', mode: FILE_MODE });
    });
    await syncDirectoryAsync(this.#dir);
  }

  async #settle(mailbox: MailboxName, of: string): Promise<boolean> {
    const release: Release = (files) => this.#files.release(mailbox, of, files);
    const name = `${mailbox}~${of}`;
    try {
      const isErased = await this.#use(mailbox, (box) => erase(box, of, release, this.#settled.get(name)?.id));
      if (isErased) rmSync(join(this.#dir, name), { force: true });
      return isErased;
    } catch (error) {
      this.#context.onError(error, 'a text that was edited or removed could not be erased', mailbox);
      throw error;
    }
  }
}
