import { accessSync, constants, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { MailboxError, closed } from '../words/mailbox-error.ts';
import { isMailboxName, type MailboxName } from '../words/mailbox-name.ts';
import type {
  Appended,
  BackPage,
  Batch,
  IsWanted,
  MailEvent,
  MailboxStore,
  MarkName,
  Message,
  StoreFigures,
} from '../words/mailbox-store.ts';
import { Changes } from './changes.ts';
import { SyncError, makeDirectory, namesIn, throwIfFull } from './disk.ts';
import { compareIds, isEventId } from './event-id.ts';
import type { FileStore } from '../words/file-store.ts';
import { FileInspector } from './file-inspector.ts';
import { admitGroup } from './group-access.ts';
import { KeptFiles } from './kept-files.ts';
import { LAYOUT_FILE } from './layout.ts';
import { claimLayout } from './layout-one.ts';
import { LOCKS, MailboxPaths, TAKEN } from './mailbox-paths.ts';
import { MailboxWatcher } from './mailbox-watcher.ts';
import { Mailbox } from './mailbox.ts';
import { makePrivateDirectories } from './private-directories.ts';
import { Senders } from './senders.ts';
import { contextOf, type FileMailboxesOptions, type StoreContext } from './store-context.ts';
import { Sweep } from './sweep.ts';
import { tidyFiles } from './tidying-files.ts';
import { warnOfMailboxes } from './mailbox-warnings.ts';

/** Mailboxes as plain text files in a directory, to which any other program may append. */
export class FileMailboxes implements MailboxStore {
  readonly isId = isEventId;
  readonly compare = compareIds;
  readonly inspector: FileInspector;
  readonly #dir: string;
  readonly #context: StoreContext;
  readonly #onFatal: ((error: Error) => void) | undefined;
  readonly #watcher: MailboxWatcher | undefined;
  readonly #boxes = new Map<MailboxName, Mailbox>();
  readonly #sweep: Sweep;
  readonly #senders: Senders;
  readonly #files: KeptFiles;
  readonly #changes: Changes;
  readonly #recovered: Promise<void>;
  #foundInFiles = 0;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

  /**
   * Makes the directory if there is none. Throws the system's error if it cannot be made or written, UNKNOWN_LAYOUT if
   * another version made it. Only one process at a time may open a directory.
   */
  constructor(dir: string, options: FileMailboxesOptions = {}) {
    makeDirectory(dir);
    this.#dir = realpathSync(dir);
    accessSync(this.#dir, constants.R_OK | constants.W_OK | constants.X_OK);
    claimLayout(this.#dir);
    makePrivateDirectories(this.#dir);
    if (options.groupWritable) admitGroup(this.#dir);

    this.#onFatal = options.onFatal;
    this.#context = contextOf(this.#dir, options, {
      onForeign: (events) => (this.#foundInFiles += events),
      onAppended: (file) => this.#watcher?.appended(file),
      onReplaced: (file) => this.#watcher?.rewatch(file),
      onError: (error, what, mailbox) => this.#warn(error, what, mailbox),
    });
    const { logger } = this.#context;
    if (options.watch !== false) this.#watcher = new MailboxWatcher(logger, { anchor: join(this.#dir, LAYOUT_FILE) });
    this.inspector = new FileInspector(this.#dir, this.#context.mayBeMailbox);
    this.#files = new KeptFiles(this.#context, this);
    this.#senders = new Senders((sender) => this.#readUp(sender));
    this.#changes = new Changes(this.#context, this.#files, (name, work) => this.#use(name, work));
    this.#sweep = new Sweep(this.#boxes, this.#context, {
      mailbox: (name) => this.#boxOf(name),
      close: (name) => this.#closeBox(name),
      tidyFiles: () => tidyFiles(this.#files, this.#context),
      warn: (error, what) => this.#warn(error, what),
    });
    this.#recovered = this.#recover().catch((error: unknown) => this.#warn(error, 'the directory could not be listed'));
  }

  async append(mailbox: MailboxName, message: Message): Promise<Appended> {
    this.#check();
    await this.#senders.riseAbove(message.sender);
    await this.#boxes.get(message.sender)?.dateForeign();
    return this.#changes.append(mailbox, message, () => this.#use(mailbox, (box) => box.append(message)));
  }

  async drain(mailbox: MailboxName): Promise<void> {
    await this.#with(mailbox, (box) => box.drain());
  }

  async read(mailbox: MailboxName, after?: string, limit = 1000): Promise<Batch> {
    return this.#with(mailbox, (box) => box.read(after, limit));
  }

  async readBack(mailbox: MailboxName, before?: string, limit = 50, isWanted?: IsWanted): Promise<BackPage> {
    return this.#with(mailbox, async (box) => (await box.upToDate()).readBack(before, limit, isWanted));
  }

  async get(mailbox: MailboxName, id: string): Promise<MailEvent | undefined> {
    return this.#with(mailbox, async (box) => (await box.upToDate(id)).find(id));
  }

  async ends(mailbox: MailboxName, upTo?: string): Promise<{ oldest: string; newest: string }> {
    const { oldest, newest } = await this.#with(mailbox, (box) => box.upToDate(upTo));
    return { oldest, newest };
  }

  async mark(mailbox: MailboxName, name: MarkName, id: string): Promise<void> {
    await this.#with(mailbox, (box) => {
      if (box.marks.move(name, id)) box.ring();
    });
  }

  async marks(mailbox: MailboxName): Promise<Readonly<Record<string, string>>> {
    return this.#with(mailbox, (box) => box.marks.all);
  }

  async watch(mailbox: MailboxName, ring: () => void): Promise<() => void> {
    this.#check();
    const box = this.#boxOf(mailbox);
    const { file } = box.paths;
    if (!box.isWatched) this.#watcher?.watch(file, () => box.hint());
    const unwatch = await box.watch(ring).finally(() => box.isWatched || this.#watcher?.unwatch(file));
    return () => {
      unwatch();
      if (!box.isWatched) this.#watcher?.unwatch(file);
    };
  }

  async forget(mailbox: MailboxName): Promise<void> {
    this.#check();
    await this.#files.forget(mailbox); // first: a second run finds a mailbox that is still there
    await this.#use(mailbox, (box) => box.forget());
  }

  async ready(): Promise<void> {
    this.#check();
    await this.#recovered;
    throwIfFull(this.#dir, join(this.#dir, LOCKS, 'probe'));
  }

  get files(): FileStore {
    this.#check();
    return this.#files;
  }

  get figures(): StoreFigures {
    return { foundInFiles: this.#foundInFiles, watchErrors: this.#watcher?.errors ?? 0 };
  }

  /** Resolves once all work has ended and the marks are written. Closing twice is harmless. */
  close(): Promise<void> {
    return (this.#closing ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#context.isClosing = true;
    await Promise.all([this.#sweep.stop(), this.#recovered, this.#senders.over(), this.#changes.over()]);
    await this.#watcher?.close();
    await Promise.all(Array.from(this.#boxes.values(), (box) => box.close()));
    this.#boxes.clear();
    await this.#context.locks.close();
  }

  #warn(error: unknown, what: string, mailbox?: string): void {
    if (error instanceof SyncError) this.#fail(error);
    else this.#context.logger.warn({ err: error, ...(mailbox !== undefined && { mailbox }) }, what);
  }

  async #with<T>(mailbox: MailboxName, work: (box: Mailbox) => T | Promise<T>): Promise<T> {
    this.#check();
    return this.#use(mailbox, work);
  }

  /** Runs work on a mailbox. Forgets it afterwards if it has no files, so that made-up names take no memory. */
  async #use<T>(mailbox: MailboxName, work: (box: Mailbox) => T | Promise<T>): Promise<T> {
    const box = this.#boxOf(mailbox);
    box.users += 1;
    try {
      return await work(box);
    } finally {
      box.users -= 1;
      if (box.isNothing && this.#boxes.get(mailbox) === box) this.#boxes.delete(mailbox);
    }
  }

  #boxOf(mailbox: MailboxName): Mailbox {
    const box = this.#boxes.get(mailbox) ?? new Mailbox(new MailboxPaths(this.#dir, mailbox), this.#context);
    this.#boxes.set(mailbox, box);
    box.usedMs = this.#context.uptimeMs();
    return box;
  }

  #closeBox(name: MailboxName): void {
    const closing = this.#boxes.get(name)?.close();
    closing?.catch((error: unknown) => this.#warn(error, 'an idle mailbox could not be closed'));
    this.#boxes.delete(name);
  }

  /** Makes ids rise above all that a sender may have read. False if his mailbox cannot be read. */
  async #readUp(sender: MailboxName): Promise<boolean> {
    try {
      await this.#use(sender, (box) => box.readMailbox());
      return true;
    } catch (error) {
      this.#warn(error, 'the mailbox of a sender could not be read');
      return false;
    }
  }

  #check(): void {
    if (this.#closing) throw closed();
    if (!this.#failure) return;
    const why = 'The disk failed. The server accepts nothing until it is restarted.';
    throw new MailboxError('STORE_FAILED', why, { cause: this.#failure });
  }

  #fail(error: SyncError): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#context.logger.error({ err: error }, 'a write could not be made durable: nothing is accepted any more');
    this.#onFatal?.(error);
  }

  /** Converts mail of version 1, and finishes takes that were under way when a process died. */
  async #recover(): Promise<void> {
    await warnOfMailboxes(this.#context);
    try {
      await this.#context.conversion;
    } catch (error) {
      return this.#warn(error, 'the directory of an older version could not be converted');
    }
    for (const name of namesIn(join(this.#dir, TAKEN)).filter(isMailboxName)) {
      if (this.#context.isClosing) return;
      const reading = this.#boxOf(name).readOn();
      await reading.catch((error: unknown) => this.#warn(error, 'a take could not be finished'));
    }
    await this.#changes.settleAll();
  }
}
