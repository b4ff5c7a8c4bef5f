import { silent, type Logger } from '../words/logger.ts';
import type { MailboxName } from '../words/mailbox-name.ts';
import { CommitSlots } from './commit-slots.ts';
import { FILE_MODE } from './disk.ts';
import { Floor } from './floor.ts';
import { GROUP_FILE_MODE, groupFilesIn } from './group-access.ts';
import { IdClock } from './id-clock.ts';
import { convertLayoutOne } from './layout-one.ts';
import { MailboxLocks } from './mailbox-locks.ts';
import type { MailboxPaths } from './mailbox-paths.ts';
import { checkPrivateDirectories } from './private-directories.ts';

export interface FileMailboxesOptions {
  readonly logger?: Logger;
  /** Called once if a write cannot be made durable. From then on, every call is refused. */
  readonly onFatal?: (error: Error) => void;
  /** Whether to watch files. Without, foreign mail is found within a second. Default true. */
  readonly watch?: boolean;
  /** Size at which a mailbox with listeners is taken at once, in bytes. Default 1 MiB. */
  readonly pieceBytes?: number;
  /** How long received mail is kept, in ms. Default 365 days. */
  readonly keepMs?: number;
  /** How much received mail is kept per mailbox, in bytes. Default 1 GiB. */
  readonly keepBytes?: number;
  /** How much room the files that messages name may take, in bytes. Default 1 GiB. */
  readonly filesBytes?: number;
  /** How many messages may wait in one mailbox. Default 200,000. */
  readonly maxWaiting?: number;
  /** How many bytes may wait in one mailbox. Default 256 MiB. */
  readonly maxWaitingBytes?: number;
  /** How many new mailboxes may be made before the next start, besides those that are expected. Default 1,000. */
  readonly maxNewMailboxes?: number;
  /** Whether this person is to have a mailbox, for example because of an invitation. Default: nobody. */
  readonly isExpected?: (mailbox: MailboxName) => boolean;
  /** Whether the directory's group may append to mailboxes, for programs of another user. Default false. */
  readonly groupWritable?: boolean;
  /** How long an idle piece stays in `.taken` if we cannot see which files are open, in ms. Default 10 minutes. */
  readonly takeKeepMs?: number;
  /** Unix milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** A clock that only rises, in ms. Default `performance.now`. */
  readonly uptimeMs?: () => number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** More than Node's four threads, to keep them all busy, but fewer than the busy mailboxes, so that batches grow. */
const COMMIT_SLOTS = 12;

/** What the mailboxes of a store tell it. */
interface StoreEvents {
  /** Events were found that other programs wrote. */
  readonly onForeign: (events: number) => void;
  /** We have appended to a mailbox that somebody listens to. */
  readonly onAppended: (path: string) => void;
  /** There is another file at a mailbox's path now. */
  readonly onReplaced: (path: string) => void;
  /** Something failed. After a `SyncError`, nothing may be accepted any more. */
  readonly onError: (error: unknown, what: string, mailbox?: string) => void;
}

/** What the mailboxes of a store share. */
export type StoreContext = ReturnType<typeof contextOf>;

export function contextOf(dir: string, options: FileMailboxesOptions, events: StoreEvents) {
  const logger: Logger = options.logger ?? silent;
  let mayBeMade = options.maxNewMailboxes ?? 1000;
  const now = options.now ?? Date.now;
  const conversion = convertLayoutOne(dir, { logger, now });
  conversion.catch(() => undefined); // reported by each who waits for it
  return {
    ...events,
    dir,
    logger,
    now,
    conversion,
    /** Long reading ends early. What it was for is done at the next start. */
    isClosing: false,
    /** Resolves once this mailbox is of the current layout. Before that, it must not be read. */
    converted: async (paths: MailboxPaths): Promise<void> => (await conversion)(paths),
    uptimeMs: options.uptimeMs ?? ((): number => performance.now()),
    clock: new IdClock(),
    floor: new Floor(dir),
    slots: new CommitSlots(COMMIT_SLOTS),
    locks: new MailboxLocks(logger),
    maxWaiting: options.maxWaiting ?? 200_000,
    maxWaitingBytes: options.maxWaitingBytes ?? 256 * 1024 * 1024,
    pieceBytes: options.pieceBytes ?? 1024 * 1024,
    fileMode: options.groupWritable ? GROUP_FILE_MODE : FILE_MODE,
    /** Whether others than the user of the server may write mailboxes. */
    isShared: options.groupWritable === true,
    mayBeMailbox: options.groupWritable ? groupFilesIn(dir) : (): boolean => true,
    checkDirectories: oncePerTurn(() => checkPrivateDirectories(dir)),
    keepMs: options.keepMs ?? 365 * DAY_MS,
    keepBytes: options.keepBytes ?? 1024 ** 3,
    filesBytes: options.filesBytes ?? 1024 ** 3,
    takeKeepMs: options.takeKeepMs ?? 10 * 60 * 1000,
    /** Counts a new mailbox. False if too many were made. */
    mayMake: (mailbox: MailboxName): boolean => {
      if (options.isExpected?.(mailbox)) return true;
      mayBeMade -= 1;
      return mayBeMade >= 0;
    },
  };
}

/** Runs a check at most once in a turn of the event loop, however many mailboxes ask for it then. */
function oncePerTurn(check: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    check();
    isDone = true;
    setImmediate(() => (isDone = false));
  };
}
