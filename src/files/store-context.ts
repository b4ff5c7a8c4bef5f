import { silent, type Logger } from '../words/logger.ts';
import { CommitSlots } from './commit-slots.ts';
import { FILE_MODE } from './disk.ts';
import { Floor } from './floor.ts';
import { GROUP_FILE_MODE } from './group-access.ts';
import { IdClock } from './id-clock.ts';
import { MailboxLocks } from './mailbox-locks.ts';
import type { MailboxPaths } from './mailbox-paths.ts';

export interface FileMailboxesOptions {
  readonly logger?: Logger;
  /** Called once when a write could not be made durable: from then on everything is refused. */
  readonly onFatal?: (error: Error) => void;
  /** Whether files are watched; without, foreign mail is found within a second. Default true. */
  readonly watch?: boolean;
  /** A mailbox that somebody listens to is taken at the latest when it has so many bytes. Default 1 MiB. */
  readonly pieceBytes?: number;
  /** How long received mail is kept, in ms. Default 365 days. */
  readonly keepMs?: number;
  /** How much received mail is kept per mailbox, in bytes. Default 1 GiB. */
  readonly keepBytes?: number;
  /** How much mail may wait in one mailbox. Default 200,000 messages. */
  readonly maxWaiting?: number;
  /** The same in bytes. Default 256 MiB. */
  readonly maxWaitingBytes?: number;
  /** How many mailboxes may be made, from this start on. Those that exist do not count. Default 1,000. */
  readonly maxNewMailboxes?: number;
  /** Whether the directory's group may append to mailboxes: for programs under another user. Default false. */
  readonly groupWritable?: boolean;
  /** How long an idle take is kept where it cannot be told who has it open, in ms. Default 10 minutes. */
  readonly takeKeepMs?: number;
  /** Unix milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** Milliseconds of a clock that only rises. Default `performance.now`. */
  readonly uptimeMs?: () => number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** More than Node's four threads, so that none of them has to wait for us; fewer than there may be busy mailboxes. */
const COMMIT_SLOTS = 12;

/** What the mailboxes of a store tell it. */
interface StoreEvents {
  /** So many events that other programs wrote were found. */
  readonly onForeign: (events: number) => void;
  /** We have appended to a mailbox that somebody listens to. */
  readonly onAppended: (path: string) => void;
  /** Another file stands at a mailbox's path than before. */
  readonly onReplaced: (path: string) => void;
  /** Something could not be done, in this mailbox file. After a `SyncError` nothing may be accepted any more. */
  readonly onError: (error: unknown, what: string, mailbox?: string) => void;
  /** Gives mail of an older version its place; what it resolves to is asked before a mailbox is used. */
  readonly convert: (how: {
    readonly logger: Logger;
    readonly now: () => number;
  }) => Promise<(paths: MailboxPaths) => Promise<void>>;
}

/** What all mailboxes of a store share. */
export type StoreContext = ReturnType<typeof contextOf>;

export function contextOf(dir: string, options: FileMailboxesOptions, events: StoreEvents) {
  const logger: Logger = options.logger ?? silent;
  let mayBeMade = options.maxNewMailboxes ?? 1000;
  const now = options.now ?? Date.now;
  const conversion = events.convert({ logger, now });
  return {
    ...events,
    dir,
    logger,
    now,
    /** Before that no mailbox is read. */
    conversion,
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
    keepMs: options.keepMs ?? 365 * DAY_MS,
    keepBytes: options.keepBytes ?? 1024 ** 3,
    takeKeepMs: options.takeKeepMs ?? 10 * 60 * 1000,
    /** Counts one more mailbox that was not there before; false when there are too many. */
    mayMake: (): boolean => {
      mayBeMade -= 1;
      return mayBeMade >= 0;
    },
  };
}
